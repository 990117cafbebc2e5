using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

/// <summary>Bytes that nobody meant, read as a connection reads them: no exception, no byte from outside, bounded memory.</summary>
[NonParallelizable]
public sealed class SpopFuzzTests
{
    // Texts of HELLO and of an error, the table of open messages, and this test's own assertions.
    private const long MostAllocated = 32 * 1024;

    private static readonly SpopFragmentLimits Limits = new() { MaxOpen = 4, MaxMessageBytes = 4096, MaxTotalBytes = 8192 };

    /// <summary>Frames of every kind, as one stream.</summary>
    internal static readonly byte[] Conversation =
    [
        .. SpopProxy.HelloFrame(capabilities: "pipelining,async"),
        .. SpopProxy.NotifyFrame(0, 1, "sc-req", ("id", "x"), ("n", -1L), ("headers", SpopProxy.HeaderBlock(("host", "a"), ("b", "c")))),
        .. SpopProxy.Fragments(3, 1, SpopProxy.Message("sc-res", ("status", 200L), ("body", new byte[300])), 100).SelectMany(f => f),
        .. SpopProxy.AbortFrame(5, 1),
        .. SpopProxy.DisconnectFrame(2, "a timeout occurred"),
    ];

    [Test]
    public void Conversation_IsReadTheSameFromEveryFragmentation()
    {
        foreach (var (name, sequence) in Fragmentation.All(Conversation))
        {
            Assert.That(Run(sequence), Is.EqualTo("Hello sc-req:3 sc-res:2 Aborted 2/a timeout occurred"), name);
        }
    }

    [FsCheck.NUnit.Property(MaxTest = 2000, QuietOnSuccess = true)]
    public void DamagedConversation_EndsWithAStatus(ulong any)
    {
        // FsCheck's numbers are small and repeat.
        var seed = (int)(any * 0x9E37_79B9_7F4A_7C15 >> 33);
        var random = new Random(seed);
        var bytes = (byte[])Conversation.Clone();
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            bytes[random.Next(bytes.Length)] = random.Next(4) == 0 ? (byte)0xFF : (byte)random.Next(256);
        }

        // Beyond each piece lies poison: a reader that leaves it sees other bytes than in one piece.
        var expected = Run(new ReadOnlySequence<byte>(bytes));
        foreach (var (name, sequence) in Fragmentation.Random(bytes, seed, 3))
        {
            Assert.That(Run(sequence), Is.EqualTo(expected), name);
        }
    }

    [FsCheck.NUnit.Property(MaxTest = 2000, QuietOnSuccess = true)]
    public void RandomPayload_NeverThrowsInAnyReader(byte[] payload, byte first, byte type)
    {
        foreach (var bytes in new[] { payload, [.. payload.Select(b => (byte)(b % 12))], [1, (byte)'m', first, .. payload] })
        {
            SpopHello.TryRead(bytes, out _, out _);
            SpopDisconnect.TryRead(bytes, out _, out _);
            SpopHeaderBlock.TryRead(bytes, out _, out _);
            SpopHeaderText.TryRead(bytes, out _, out _);
            if (SpopNotify.TryRead(bytes, out var notify, out _))
            {
                Assert.That(Read.Messages(notify), Has.Count.EqualTo(notify.Count));
            }

            Run(new([.. SpopProxy.HelloFrame(), .. SpopProxy.Frame(type, SpopProxy.Fin, 1, 1, bytes)]));
            Run(new(bytes));
        }
    }

    [TestCase("00000FFF 03")]
    [TestCase("00000013 03 00000001 00 01 01'm' 01 01'a' 08 F0F1FEFE3E")]
    [TestCase("00000013 03 00000001 00 01 01'm' FF 01'a' 09 FFF0FEFE7E")]
    [TestCase("0000000A 03 00000000 00 01 00 00 00 0000000A 00 00000000 00 01 FF FF FF")]
    public void WhatAFrameClaims_IsNotAllocated(string hex)
    {
        var sequence = new ReadOnlySequence<byte>([.. SpopProxy.HelloFrame(), .. Hex.Bytes(hex)]);
        Assert.That(Allocations.Of(1, () => Run(sequence)), Is.LessThan(MostAllocated));
    }

    /// <summary>Reads all there is, as a session would, and tells what it saw.</summary>
    internal static string Run(ReadOnlySequence<byte> buffer)
    {
        var story = new System.Text.StringBuilder();
        using var reassembler = new SpopReassembler(Limits);
        var greeted = false;
        while (true)
        {
            var limit = greeted ? (int)SpopProxy.DefaultMaxFrameSize : SpopLimits.MaxHelloLength;
            var scan = SpopFrameScanner.TryRead(ref buffer, limit, out var frame, out var error);
            if (scan == SpopScanStatus.NeedMore)
            {
                return story.ToString().TrimEnd();
            }

            if (scan == SpopScanStatus.Invalid || !TryUse(frame, ref greeted, reassembler, story, out error))
            {
                Assert.That(error.Status, Is.Not.EqualTo(SpopStatus.Normal));
                Assert.That(error.Message, Has.Length.InRange(10, SpopLimits.MaxDisconnectMessage));
                return story.Append(error).ToString();
            }

            Assert.That(reassembler.Bytes, Is.InRange(0, Limits.MaxTotalBytes));
        }
    }

    private static bool TryUse(
        in SpopFrame frame, ref bool greeted, SpopReassembler reassembler, System.Text.StringBuilder story, out SpopError error)
    {
        using var payload = SpopPayload.Of(frame.Payload);
        switch (SpopFrameOrder.Judge(frame, greeted, out error))
        {
            case SpopFrameUse.Hello:
                greeted = SpopHello.TryRead(payload.Span, out _, out error);
                story.Append(greeted ? "Hello " : "");
                return greeted;
            case SpopFrameUse.Disconnect:
                var understood = SpopDisconnect.TryRead(payload.Span, out var disconnect, out error);
                story.Append(understood ? $"{disconnect.Code}/{disconnect.Message} " : "");
                return understood;
            case SpopFrameUse.Message:
                return TryAdd(frame, reassembler, story, out error);
            case var use:
                return use == SpopFrameUse.Skip;
        }
    }

    private static bool TryAdd(in SpopFrame frame, SpopReassembler reassembler, System.Text.StringBuilder story, out SpopError error)
    {
        var result = reassembler.Add(frame, 0, out var message, out error);
        using (message)
        {
            if (result == SpopAssembly.Complete && SpopNotify.TryRead(message.Span, out var notify, out error))
            {
                foreach (var (name, arguments) in Read.Messages(notify))
                {
                    story.Append($"{name}:{arguments.Count} ");
                }
            }
            else if (result is SpopAssembly.Aborted)
            {
                story.Append("Aborted ");
            }

            return result != SpopAssembly.Violation && (error == default || result == SpopAssembly.Refused);
        }
    }
}
