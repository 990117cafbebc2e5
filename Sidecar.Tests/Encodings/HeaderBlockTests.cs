using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

[TestFixture]
internal sealed class HeaderBlockTests
{
    [TestCase(0, 0)]
    [TestCase(0, 4096)]
    [TestCase(64, 0)]
    [TestCase(16, 512)]
    [TestCase(3, 20)]
    public void Add_BeyondWhatThereIsRoomFor_KeepsEveryFieldAsItCame(int fields, int bytes)
    {
        var headers = new HeaderBlock(fields, bytes);
        var lines = Enumerable.Range(0, 40).Select(static i => (Name: $"n{i % 7}", Value: new string((char)('a' + (i % 26)), i))).ToList();
        foreach (var (name, value) in lines)
        {
            headers.Add(name, value);
        }

        Assert.That(Lines(headers), Is.EqualTo(lines));
        Assert.That(headers.ByteCount, Is.EqualTo(lines.Sum(static line => line.Name.Length + line.Value.Length)));
    }

    [Test]
    public void Add_TheSameNameAgain_LinksTheFieldsOfANameInTheirOrder()
    {
        var headers = new HeaderBlock();
        foreach (var (name, value) in ((string, string)[])[("A", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("a", "5")])
        {
            headers.Add(name, value);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(headers.NameCount, Is.EqualTo(3));
            Assert.That(Enumerable.Range(0, 5).Select(headers.IsFirstOfName), Is.EqualTo([true, true, false, true, false]));
            Assert.That(Enumerable.Range(0, 5).Select(headers.NextOfName), Is.EqualTo([2, -1, 4, -1, -1]));
            Assert.That(headers.GetAll("A"), Is.EqualTo(["1", "3", "5"]));
            Assert.That(headers.Get("B"), Is.EqualTo("2"));
            Assert.That(headers.Get("d"), Is.Null);
        }
    }

    [Test]
    public void AddNameOnly_IsAFieldWithoutAValue_AndNotOneWithAnEmptyOne()
    {
        var headers = new HeaderBlock(1, 1);
        headers.AddNameOnly("X-None"u8);
        headers.Add("x-empty"u8, ""u8);
        headers.Add("x-none"u8, "v"u8);
        headers.AddNameOnly("x-last"u8);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Enumerable.Range(0, 4).Select(headers.HasValue), Is.EqualTo([false, true, true, false]));
            Assert.That(Lines(headers), Is.EqualTo([("x-none", ""), ("x-empty", ""), ("x-none", "v"), ("x-last", "")]));
            Assert.That(headers.Get("x-none"), Is.EqualTo("v"), "the first that has one");
            Assert.That(headers.Get("x-last"), Is.Null);
        }
    }

    [Test]
    public void Add_WhatIsNotAscii_IsUtf8AndLeavesNothingOfTheAttemptBehind()
    {
        var headers = new HeaderBlock(1, 4);
        headers.Add("É-Name", "grüße €");
        headers.Add("Plain", "ü");
        headers.Add("N\u00e9", "v");

        Assert.That(Lines(headers), Is.EqualTo([("É-name", "grüße €"), ("plain", "ü"), ("né", "v")]));
        Assert.That(headers.Get("NÉ".Replace('É', 'é')), Is.EqualTo("v"));
    }

    [Test]
    public void Get_ANameLongerThanAnyInUse_IsFound()
    {
        var headers = new HeaderBlock();
        var name = new string('N', 300);
        headers.Add(name, "v");

        Assert.That(headers.Get(name), Is.EqualTo("v"));
    }

    [Test]
    public void Clear_ForgetsAllFields_AndTheLinksBetweenThem()
    {
        var headers = new HeaderBlock(2, 8);
        headers.Add("a", "1");
        headers.Add("a", "2");
        headers.Clear();
        headers.Add("a", "3");

        Assert.That(Lines(headers), Is.EqualTo([("a", "3")]));
        Assert.That((headers.NameCount, headers.IsFirstOfName(0), headers.NextOfName(0)), Is.EqualTo((1, true, -1)));
    }

    [Test]
    public void AnyIndex_WithoutAField_IsRefused()
    {
        var headers = new HeaderBlock(8, 8);
        headers.Add("a", "1");

        Assert.That(() => headers.Name(1).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => headers.Value(-1).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => headers.HasValue(1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static List<(string Name, string Value)> Lines(HeaderBlock headers) =>
        [.. Enumerable.Range(0, headers.Count).Select(i => (Text(headers.Name(i)), Text(headers.Value(i))))];

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
