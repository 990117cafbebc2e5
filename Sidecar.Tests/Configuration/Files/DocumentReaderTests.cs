using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Configuration.Files;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>YAML becomes nodes with places, and what one text could mean to one reader only is refused where it stands.</summary>
internal sealed class DocumentReaderTests
{
    [Test]
    public void Values_ListsAndKeys_HaveTheirPlaces()
    {
        var root = (MappingNode)Read("a: 1\nb:\n  - x\n  - 'y z'\nc: {d: \"\"}\n");

        var list = (SequenceNode)root.Find("b")!;
        var inner = (MappingNode)root.Find("c")!;
        Assert.That(list.Items.Select(static item => $"{item.At} {((ScalarNode)item).Text}"), Is.EqualTo(new[] { "f:3:5 x", "f:4:5 y z" }));
        Assert.That(root.Entries.Select(static entry => entry.Key.At.ToString()), Is.EqualTo(new[] { "f:1:1", "f:2:1", "f:5:1" }));
        Assert.That(inner.Find("d"), Is.EqualTo(new ScalarNode(new("f", 5, 8), "", IsPlain: false)));
    }

    [TestCase("a:", true)]
    [TestCase("a: ~", true)]
    [TestCase("a: null", true)]
    [TestCase("a: ''", false)]
    [TestCase("a: 'null'", false)]
    [TestCase("a: nil", false)]
    public void KeyWithoutValue_IsNoEmptyText(string text, bool isMissing) =>
        Assert.That(((MappingNode)Read(text)).Find("a")!.IsMissing, Is.EqualTo(isMissing));

    [TestCase("a: &x [1, 2]\nb: *x\n")]
    [TestCase("a: &x 1\nb: [*x, *x]\n")]
    [TestCase("a: &x {c: 1}\nb: *x\n")]
    public void Alias_IsWhatItNames(string text)
    {
        var root = (MappingNode)Read(text);
        var (named, alias) = (root.Find("a"), root.Find("b"));
        Assert.That(ReferenceEquals(alias, named) || (alias is SequenceNode list && list.Items.All(item => ReferenceEquals(item, named))), Is.True);
    }

    [TestCase("a: 1\nb: 2\na: 3\n", "f:3:1: key a is given twice; it stands in line 1, too")]
    [TestCase("a: !!str 1\n", "f:1:4: the tag tag:yaml.org,2002:str is not taken here")]
    [TestCase("a: !x 1\n", "f:1:4: the tag !x is not taken here")]
    [TestCase("a: &x {b: 1}\nc:\n  <<: *x\n", "f:3:3: merge keys (<<) are not taken here")]
    [TestCase("a: 1\n---\nb: 2\n", "f:2:1: a second document begins here")]
    [TestCase("%YAML 1.2\n---\na: 1\n", "directives (%YAML, %TAG) are not taken here")]
    [TestCase("? [a, b]\n: 1\n", "f:1:3: a key must be one word")]
    [TestCase("a: &x b\n*x : 1\n", "f:2:1: a key cannot be an alias")]
    [TestCase("a: *x\n", "f:1:4: the alias *x names nothing that stands before it")]
    [TestCase("a: &x [1, *x]\n", "f:1:11: the alias *x stands inside of what it names")]
    [TestCase("a: &x {b: &x 1}\n", "f:1:11: the anchor &x is in itself")]
    [TestCase("a: [1, 2\nb: 3\n", "f:1:", "this is no YAML")]
    [TestCase("a: 'b\n", "f:", "this is no YAML")]
    [TestCase("x:\n  a: b\n  :\n  c: d\n  :\n", "f:3:4: there is no key before the ':'", Description = "the parser would take c for a value")]
    [TestCase("{a: b, : c}", "f:1:8: there is no key before the ':'")]
    [TestCase("\ta: 1\n", "f:1:1: a tab may not stand at the beginning of a line")]
    [TestCase("a:\n \tb: 1\n", "f:2:2: a tab may not stand")]
    [TestCase("", "f:1:1: the file is empty; it begins with version: 1")]
    [TestCase("# nothing\n", "f:1:1: the file is empty")]
    [TestCase("a: b\0c: d\n", "f:1:5: the character U+0000 may not stand in the file itself")]
    [TestCase("a: \"b\\0c\"\n", "f:1:4: a text may not have a NUL")]
    [TestCase("# x\u2028a: 1\n", "f:1:4: the character U+2028 may not stand")]
    [TestCase("a: 1\nb: \u0085c: 1\n", "f:2:4: the character U+0085 may not stand")]
    [TestCase("# a\rb: 1\n", "f:1:4: the character U+000D may not stand")]
    public void WhatHasNoOneMeaning_IsRefusedWhereItStands(string text, params string[] expected)
    {
        var findings = new Findings();
        DocumentReader.Read("f", Encoding.UTF8.GetBytes(text), findings);
        Assert.That(findings.Errors, Has.Count.EqualTo(1));
        Assert.That(findings.Errors[0], Does.StartWith(expected[0]).Or.Contain(expected[0]).And.Contain(expected[^1]));
    }

    [Test]
    public void EveryDuplicate_IsTold()
    {
        var findings = new Findings();
        DocumentReader.Read("f", "a: 1\na: 2\nb: {c: 1, c: 2}\n"u8, findings);
        Assert.That(findings.Errors, Has.Count.EqualTo(2));
    }

    [Test]
    public void OtherBytesThanUtf8_AreRefusedWhereTheyStand()
    {
        Assert.That(ErrorOf([(byte)'a', (byte)':', (byte)'\n', (byte)' ', 0xFF]), Is.EqualTo("f:2:2: the byte 0xff is no UTF-8; save the file as UTF-8"));
        Assert.That(Read("\ufeffa: 1\r\nb: 2\r\n"), Is.InstanceOf<MappingNode>(), "a mark of the byte order and the line ends of Windows");
    }

    [Test]
    public void Bounds_AreHeld()
    {
        var wide = $"a: [{string.Join(", ", Enumerable.Repeat("x", DocumentReader.MaxNodes))}]";
        var bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
            + "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Nested(DocumentReader.MaxDepth - 1), Is.Empty);
            Assert.That(Nested(DocumentReader.MaxDepth), Does.Contain("this is nested deeper than 32 levels"));
            Assert.That(ErrorOf(Encoding.UTF8.GetBytes(wide)), Does.Contain("more than 10000 values"));
            Assert.That(ErrorOf(Encoding.UTF8.GetBytes(bomb)), Does.StartWith("f:4:").And.Contain("more than 10000 values"));
            Assert.That(ErrorOf(new byte[DocumentReader.MaxBytes + 1]), Does.Contain("more than 1048576 bytes"));
            Assert.That(
                ErrorOf(Encoding.UTF8.GetBytes($"a: &x {Flow(20)}\nb: {Flow(20).Replace("x", "*x", StringComparison.Ordinal)}\n")), Does.StartWith("f:2:").And.Contain("deeper"),
                "an alias is as deep as what it stands for");
        }

        static string Flow(int depth) => new string('[', depth) + "x" + new string(']', depth);
        static string Nested(int depth) => ErrorOf(Encoding.UTF8.GetBytes(Flow(depth)));
    }

    private static DocumentNode Read(string text)
    {
        var findings = new Findings();
        var node = DocumentReader.Read("f", Encoding.UTF8.GetBytes(text), findings);
        Assert.That(findings.Errors, Is.Empty);
        return node!;
    }

    private static string ErrorOf(byte[] utf8)
    {
        var findings = new Findings();
        DocumentReader.Read("f", utf8, findings);
        return findings.Errors.SingleOrDefault() ?? "";
    }
}
