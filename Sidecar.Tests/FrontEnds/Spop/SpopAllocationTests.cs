using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Inspection;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>What a NOTIFY costs in memory from its frame to its ACK, with an agent that costs nothing: ceilings that only go down.</summary>
[NonParallelizable]
internal sealed class SpopAllocationTests
{
    private static readonly (string, string)[] Headers =
    [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"), ("accept", "text/html"), ("accept-encoding", "gzip, br"), ("accept-language", "en"),
        ("cookie", "session=0123456789abcdef"), ("referer", "https://shop.example/"), ("cache-control", "max-age=0"),
    ];

    [TestCase(0, 2016)]
    [TestCase(1024, 3880)]
    public async Task Notify_AllocatesNoMoreThanItDid(int body, int ceiling)
    {
        await using var rig = await SwiftRig.StartAsync(1, EventSet.RequestHeaders | EventSet.RequestBodyChunk);
        var options = SpopHarness.DefaultOptions with { HasResponsePhase = false };
        using var frontEnd = new SpopFrontEnd(options, rig.Inspector, NullLogger.Instance);
        var output = new FrameOutput(PipeWriter.Create(Stream.Null), options.MaxUnsent);
        var writing = output.RunAsync();
        using var replies = new SpopReplies(output, options, TimeProvider.System) { MaxFrameSize = (int)SpopProxy.DefaultMaxFrameSize };
        var notify = SpopAsk.Request(method: body == 0 ? "GET" : "POST", headers: [.. Headers, ("content-length", $"{body}")], body: new byte[body]);
        var sent = output.FramesSent;

        var runs = await AllocationPins.AssertAsync(ceiling, async () =>
        {
            using var request = Read(notify, frontEnd);
            await frontEnd.AnswerAsync(request, replies);
        });

        Assert.That(output.FramesSent - sent, Is.EqualTo(runs), "each was answered");
        Assert.That(rig.Inspector.BodyMemory.Used, Is.Zero, "each gave its payload back");
        output.Close(discard: true);
        await writing;
    }

    private static NotifyRequest Read(byte[] notify, SpopFrontEnd frontEnd)
    {
        var buffer = new ReadOnlySequence<byte>(notify);
        SpopFrameScanner.TryRead(ref buffer, (int)SpopProxy.DefaultMaxFrameSize, out var frame, out _);
        return NotifyRequest.Read(frame, SpopPayload.Of(frame.Payload), frontEnd.Reader, 16_384, out _)!;
    }
}
