using System.Net;
using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

[NonParallelizable]
public sealed class SpopNotifyTests
{
    private static readonly byte[] Typical = SpopProxy.Message(
        "sc-req",
        ("id", "5f2c"),
        ("src", IPAddress.Parse("192.0.2.7")),
        ("src-port", 51234L),
        ("ssl", true),
        ("query", null),
        ("", 7u),
        ("headers", SpopProxy.HeaderBlock(("host", "example.org"), ("cookie", ""), ("cookie", "a=b"))),
        ("body", new byte[3000]));

    [Test]
    public void GoldenFrame_IsWalked()
    {
        // Two messages: "m" with two arguments, "n" with none.
        var frame = Hex.Bytes("00000015 03 00000001 00 01  01'm' 02  01'a' 11  00 08 02'hi'  01'n' 00");
        byte[] payload = [.. SpopProxy.Message("m", ("a", true), ("", "hi")), .. SpopProxy.Message("n")];
        Assert.That(SpopProxy.Frame(3, 1, 0, 1, payload), Is.EqualTo(frame));
        Assert.That(SpopNotify.TryRead(Scan.Payload(frame), out var notify, out _), Is.True);

        Assert.That(notify.Count, Is.EqualTo(2));
        var messages = Read.Messages(notify);
        Assert.That(messages.Select(m => m.Message), Is.EqualTo(new[] { "m", "n" }));
        Assert.That(messages[0].Arguments, Is.EqualTo(new (string, object?)[] { ("a", true), ("", "hi") }));
        Assert.That(messages[1].Arguments, Is.Empty);
    }

    [Test]
    public void EverythingHAProxySends_IsRead()
    {
        Assert.That(SpopNotify.TryRead(Typical, out var notify, out _), Is.True);
        var (name, arguments) = Read.Messages(notify).Single();
        Assert.That(name, Is.EqualTo("sc-req"));
        Assert.That(
            arguments.Select(a => a.Name), Is.EqualTo(new[] { "id", "src", "src-port", "ssl", "query", "", "headers", "body" }));
        Assert.That(
            arguments.Take(6).Select(a => a.Value),
            Is.EqualTo(new object?[] { "5f2c", IPAddress.Parse("192.0.2.7"), 51234L, true, null, 7u }));
    }

    [Test]
    public void EveryTruncation_IsInvalidOrAWholeMessage()
    {
        for (var size = 0; size < Typical.Length; size++)
        {
            Assert.That(SpopNotify.TryRead(Typical.AsSpan(0, size), out var notify, out var error), Is.False, $"{size} bytes");
            Assert.That(error.Status, Is.EqualTo(SpopStatus.InvalidFrame));
            Assert.That(error.Message, Has.Length.InRange(20, SpopLimits.MaxDisconnectMessage));
            Assert.That(notify.MoveNext(), Is.False);
        }
    }

    [TestCase("", "without a message")]
    [TestCase("05'm'", "5 bytes claimed")]
    [TestCase("01'm'", "number of arguments")]
    [TestCase("01'm' FF 00 00", "argument 2 of 255")]
    [TestCase("01'm' 01 01'a' 0C", "data type 12")]
    [TestCase("01'm' 01 01'a' 08 7F 'short'", "127 bytes claimed")]
    [TestCase("01'm' 01 FF FFFFFFFF FFFFFFFF FFFF", "varint")]
    [TestCase("01'm' 00 01'n' 01", "the name of argument 1 of 1", Description = "the second message is broken")]
    public void HostilePayload_IsAnInvalidFrameThatSaysWhy(string hex, string reason)
    {
        Assert.That(SpopNotify.TryRead(Hex.Bytes(hex), out _, out var error), Is.False);
        Assert.That(error.Status, Is.EqualTo(SpopStatus.InvalidFrame));
        Assert.That(error.Message, Does.Contain(reason));
    }

    [Test]
    public void Walking_AllocatesNothing()
    {
        var seen = 0;
        Assert.That(Allocations.Of(100, () => seen = Walk()), Is.Zero);
        Assert.That(seen, Is.EqualTo(12));
    }

    private static int Walk()
    {
        var frame = new System.Buffers.ReadOnlySequence<byte>(Typical);
        using var payload = SpopPayload.Of(frame);
        if (!SpopNotify.TryRead(payload.Span, out var notify, out _))
        {
            return -1;
        }

        var seen = 0;
        foreach (var message in notify)
        {
            seen++;
            foreach (var argument in message.Arguments)
            {
                seen++;
                if (argument.Name.SequenceEqual("headers"u8) && SpopHeaderBlock.TryRead(argument.Value.Bytes, out var block, out _))
                {
                    foreach (var header in block)
                    {
                        seen += header.Name.IsEmpty ? 0 : 1;
                    }
                }
            }
        }

        return seen;
    }
}
