using System.Buffers;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Inspection;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>What a stream of headers costs in memory behind Kestrel, with agents that cost nothing: ceilings that only go down.</summary>
/// <remarks>A figure is the least of several rounds: the runtime allocates for itself now and then.</remarks>
[NonParallelizable]
internal sealed class ExtProcAllocationTests
{
    private const int Runs = 1_000;
    private const int Rounds = 8;

    // What the thread pool and the clock's own tables may add to a run, over all runs of a round.
    private const double Slack = 8;

    private static readonly (string, string)[] Fields =
    [
        ("x-request-id", "0123456789abcdef0123456789abcdef"), ("x-forwarded-proto", "https"), ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("accept", "text/html"), ("accept-encoding", "gzip, br"), ("accept-language", "en"), ("cookie", "session=0123456789abcdef"),
        ("referer", "https://shop.example/"), ("sec-fetch-mode", "navigate"), ("cache-control", "max-age=0"),
    ];

    [TestCase(0, 7496)]
    [TestCase(1, 10304)]
    public async Task StreamOfHeaders_AllocatesNoMoreThanItDid(int agents, int ceiling)
    {
        await using var rig = await SwiftRig.StartAsync(agents, EventSet.RequestHeaders | EventSet.ResponseHeaders);
        var filter = new ExtProcFilter(ExtProcRig.Options, rig.Inspector.Warnings, TimeProvider.System, NullLogger.Instance);
        var request = Messages.Request(last: true, BodySendMode.None, BodySendMode.None, Fields).ToByteArray();
        var response = Messages.Response(headers: [("content-type", "text/html"), ("date", "Mon, 30 Nov 2026 12:00:00 GMT")]).ToByteArray();
        var call = new Sink();
        var least = double.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Runs; i++)
            {
                var stream = new ExtProcStream(rig.Inspector, filter, call);
                await stream.OnMessageAsync(ProcessingRequest.Parser.ParseFrom(request));
                await stream.IdleAsync();
                if (agents > 0)
                {
                    await stream.OnMessageAsync(ProcessingRequest.Parser.ParseFrom(response));
                    await stream.IdleAsync();
                }

                await stream.DisposeAsync();
            }

            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Runs);
        }

        await TestContext.Out.WriteLineAsync($"{least:0.0} B");
        Assert.That(least, Is.LessThanOrEqualTo(ceiling + Slack));
        Assert.That((call.Answers, call.Ends), Is.EqualTo((Rounds * Runs * (agents > 0 ? 2 : 1), Rounds * Runs)), "all are answered and ended by us");
    }

    private sealed class Sink : IGrpcServerCall
    {
        private readonly ArrayBufferWriter<byte> _output = new(4096);

        public int Answers { get; private set; }

        public int Ends { get; private set; }

        public ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation)
        {
            _output.ResetWrittenCount();
            GrpcMessageWriter.Write(_output, message, int.MaxValue);
            Answers++;
            return new(true);
        }

        public void EndReads() => Ends++;

        public void Abort() => throw new NotSupportedException();
    }
}
