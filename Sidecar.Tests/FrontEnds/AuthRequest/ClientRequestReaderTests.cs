using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.FrontEnds.Common;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

[TestFixture]
internal sealed class ClientRequestReaderTests
{
    private static readonly HttpListenerOptions Options = new() { Name = "http", MaxHeaders = 10, MaxHeaderBytes = 1000 };

    [Test]
    public void Read_UsualQuestion_KeepsTheClientsHeadersAndNothingElse()
    {
        var request = Read(
            ("Host", "sidecar"),
            ("Connection", "close"),
            ("User-Agent", "curl"),
            ("Cookie", new StringValues(["a=1", "b=2"])),
            ("X-Sidecar-Content-Length", "12"),
            ("X-Sidecar-Forwarded-For", "198.51.100.1"),
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Sidecar-Session", "s1"),
            ("X-Sidecar-Upgrade", ""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(request.Problem, Is.Null);
            Assert.That(request.Method, Is.EqualTo("POST"));
            Assert.That(request.RawTarget, Is.EqualTo("/a?b"));
            Assert.That(Lines(request), Is.EquivalentTo(new[]
            {
                "host: shop.example:8443", "user-agent: curl", "cookie: a=1", "cookie: b=2", "content-length: 12", "x-forwarded-for: 198.51.100.1",
            }));
            Assert.That(request[TrustedHeader.ClientAddress], Is.EqualTo("192.0.2.7"));
            Assert.That(request[TrustedHeader.Upgrade], Is.Null);
            Assert.That(request[TrustedHeader.Session], Is.EqualTo("s1"));
        }
    }

    [TestCase("X_Original_URI")]
    [TestCase("X-Original_Uri")]
    [TestCase("X_Forwarded_For")]
    [TestCase("X-Sidecar-Request-X-User")]
    [TestCase("x_sidecar_reply")]
    public void Read_ImitatedName_IsNeitherBelievedNorForwarded(string name)
    {
        var request = Read((name, "/evil"));

        Assert.That(request.RawTarget, Is.EqualTo("/a?b"));
        Assert.That(Lines(request), Is.EqualTo(new[] { "host: shop.example:8443" }));
    }

    [TestCase("X-Original-URI")]
    [TestCase("X-Original-Method")]
    public void Read_NeededHeaderMissingOrEmpty_IsPlumbing(string name)
    {
        foreach (var value in new[] { StringValues.Empty, new StringValues("") })
        {
            var request = Read((name, value));
            Assert.That(request.IsPlumbing, Is.True);
            Assert.That(request.Problem, Does.Contain("missing").And.Contain(name).IgnoreCase);
        }
    }

    [Test]
    public void Read_TrustedHeaderTwice_IsPlumbing()
    {
        var request = Read(("X-Forwarded-For", new StringValues(["192.0.2.7", "192.0.2.8"])));

        Assert.That(request.IsPlumbing, Is.True);
        Assert.That(request.Problem, Does.Contain("2 times"));
    }

    [TestCase("X-Original-URI", "http://shop.example/", "slash")]
    [TestCase("X-Original-URI", "a", "slash")]
    [TestCase("X-Original-URI", "/a b", "space")]
    [TestCase("X-Original-URI", "/a\u0001", "control")]
    [TestCase("X-Original-URI", "/a\u007f", "control")]
    [TestCase("X-Original-Method", "G T", "token")]
    [TestCase("X-Original-Method", "GET\u00e4", "token")]
    [TestCase("X-Sidecar-Host", "bank.example", "another host")]
    public void Read_WhatAClientCanCause_IsAProblemButNotPlumbing(string name, string value, string problem)
    {
        var request = Read((name, value));

        Assert.That(request.IsPlumbing, Is.False);
        Assert.That(request.Problem, Does.Contain(problem));
    }

    [TestCase("shop.example:8443", "shop.example")]
    [TestCase("SHOP.example.", "shop.example")]
    [TestCase("[::1]:80", "[::1]")]
    [TestCase("", "shop.example")]
    public void Read_HostsThatAreOne_AreNoProblem(string authority, string host)
    {
        var request = Read(("X-Forwarded-Host", authority), ("X-Sidecar-Host", host));

        Assert.That(request.Problem, Is.Null);
        Assert.That(request.Host, Is.EqualTo(host));
    }

    [Test]
    public void Read_AsManyHeadersAsAllowed_IsFineAndOneMoreIsNot()
    {
        var many = Enumerable.Range(0, 10).Select(static i => ($"n{i}", new StringValues("v"))).ToArray();

        Assert.That(Read(many).Problem, Is.Null);
        Assert.That(Read([.. many, ("more", "v")]).Problem, Does.Contain("11 header fields").And.Contain("10"));
        Assert.That(Read(("n", new StringValues([.. Enumerable.Repeat("v", 11)]))).Problem, Does.Contain("11 header fields"));
    }

    [Test]
    public void Read_AsManyBytesAsAllowed_IsFineAndOneMoreIsNot()
    {
        Assert.That(Read(("name", new string('v', 996))).Problem, Is.Null);
        Assert.That(Read(("name", new string('v', 997))).Problem, Does.Contain("1001 bytes").And.Contain("1000"));
    }

    [Test]
    public void Read_HugeCount_CopiesNothingBeyondTheLimit()
    {
        var request = Read([.. Enumerable.Range(0, 20_000).Select(static i => ($"n{i}", new StringValues("v")))]);

        Assert.That(request.Problem, Does.Contain("20000 header fields"));
        Assert.That(request.Headers.Count, Is.LessThanOrEqualTo(11));
    }

    [Test]
    public void Defect52_Read_All256Bytes_ComeThroughAsUtf8OrLatin1()
    {
        // What a proxy lets through: no NUL, CR, LF.
        var latin1 = string.Concat(Enumerable.Range(1, 255).Where(static b => b is not ('\r' or '\n')).Select(static b => (char)b));
        var utf8 = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes("grüße €"));
        var request = Read(("a", latin1), ("b", utf8), ("c", "\u00e4"), ("long", new string('\u00ff', 400)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(request.Headers.Get("a"), Is.EqualTo(latin1));
            Assert.That(request.Headers.Get("b"), Is.EqualTo("grüße €"));
            Assert.That(request.Headers.Get("c"), Is.EqualTo("ä"));
            Assert.That(request.Headers.Get("long"), Is.EqualTo(new string('ÿ', 400)));
        }
    }

    private static IEnumerable<string> Lines(ClientRequest request) =>
        Enumerable.Range(0, request.Headers.Count).Select(i => $"{Text(request.Headers.Name(i))}: {Text(request.Headers.Value(i))}");

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

    private static ClientRequest Read(params (string Name, StringValues Values)[] headers)
    {
        var question = new HeaderDictionary
        {
            ["X-Original-Method"] = "POST",
            ["X-Original-URI"] = "/a?b",
            ["X-Forwarded-Host"] = "shop.example:8443",
        };
        foreach (var (name, values) in headers)
        {
            question[name] = values;
        }

        return ClientRequestReader.Read(question, Options);
    }
}
