using NUnit.Framework;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Every mode in which Envoy sends bodies, over gRPC to a daemon process, against what an agent can do; an Envoy that knows its rules applies the
/// answers.
/// </summary>
[Category("EndToEnd")]
internal sealed class EnvoyModeTests
{
    private const BodySendMode None = BodySendMode.None;
    private const BodySendMode Streamed = BodySendMode.Streamed;
    private const BodySendMode Buffered = BodySendMode.Buffered;
    private const BodySendMode Partial = BodySendMode.BufferedPartial;
    private const BodySendMode Duplex = BodySendMode.FullDuplexStreamed;

    private static readonly string[] Pieces = ["one,", "two,", "three"];
    private static readonly (string, string)[] Length = [("content-length", "13")];

    private LambdaAgent _agent = null!;
    private EnvoyStack _stack = null!;

    public enum Act
    {
        Allow,
        EditHeaders,
        Replace,
        Drop,
    }

    public enum Part
    {
        Headers,
        FirstPiece,
        LaterPiece,
        Trailers,
    }

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _agent = new LambdaAgent("demo");
        _stack = await EnvoyStack.StartAsync(_agent, ",body=optional");
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _stack.DisposeAsync();
        await _agent.DisposeAsync();
    }

    [Test]
    public async Task EveryMode_CarriesWhatTheAgentDoes(
        [Values(None, Streamed, Buffered, Partial, Duplex)] BodySendMode mode, [Values] Act act, [Values] Direction direction)
    {
        _agent.Answers = (message, _) => new(Answer(act, message));
        await using var wire = _stack.Open();
        var envoy = new FakeEnvoy(wire, mode);
        var request = await envoy.SendAsync(
            Direction.Request, direction == Direction.Request ? Pieces : [], headers: direction == Direction.Request ? Length : []);
        var response = await envoy.SendAsync(
            Direction.Response, direction == Direction.Response ? Pieces : [], headers: direction == Direction.Response ? Length : []);

        var passed = direction == Direction.Request ? request! : response!;
        Assert.That((passed.Edits, passed.Body), Is.EqualTo((Edits(act, mode), Body(act, mode))));
        Assert.That(await wire.CloseAsync(), Is.EqualTo("Ok"));
    }

    [Test]
    public async Task EveryPart_CanBeTheLast(
        [Values(Streamed, Buffered, Partial, Duplex)] BodySendMode mode, [Values] Part part, [Values] Direction direction)
    {
        _agent.Answers = (message, _) => new(IsPart(message, part, direction, mode) ? Protocol.Sdk.Answer.Block(418).WithBody("no") : AgentResponse.Allow);
        await using var wire = _stack.Open();
        var envoy = new FakeEnvoy(wire, mode);
        var request = await envoy.SendAsync(Direction.Request, Pieces, trailers: true);
        var response = request is null ? null : await envoy.SendAsync(Direction.Response, Pieces, trailers: true);

        Assert.That((request is null, response is null), Is.EqualTo((direction == Direction.Request, true)));
        Assert.That((envoy.Reply?.Status.Code, envoy.Reply?.Body.ToStringUtf8()), Is.EqualTo(((int?)418, "no")));
        Assert.That(await wire.EndAsync(), Is.EqualTo("Ok"), "the reply is the last answer");
    }

    private static AgentResponse Answer(Act act, AgentEvent message) => (act, message) switch
    {
        (Act.EditHeaders, RequestHeadersEvent) => Protocol.Sdk.Answer.Allow.WithRequestHeaders(
            HeaderOperation.Set("x-a", "1"), HeaderOperation.Remove("x-b")),
        (Act.EditHeaders, ResponseHeadersEvent) => Protocol.Sdk.Answer.Allow.WithResponseHeaders(
            HeaderOperation.Set("x-a", "1"), HeaderOperation.Remove("x-b")),
        (Act.Replace, BodyChunkEvent piece) => Changed(piece, [.. "<"u8, .. piece.Data.Span, .. ">"u8]),
        (Act.Drop, BodyChunkEvent piece) => Changed(piece, []),
        _ => AgentResponse.Allow,
    };

    private static AgentResponse Changed(BodyChunkEvent piece, byte[] bytes)
    {
        var mutation = new BodyMutation(bytes, piece.ChunkIndex);
        return piece is RequestBodyChunkEvent ? new AgentResponse { RequestBodyMutation = mutation } : new AgentResponse { ResponseBodyMutation = mutation };
    }

    // A buffered body comes whole; of it only trailers are later, and no agent is asked about those.
    private static bool IsPart(AgentEvent message, Part part, Direction direction, BodySendMode mode)
    {
        var isOfDirection = message is RequestHeadersEvent or RequestBodyChunkEvent == (direction == Direction.Request);
        var isWhole = mode is Buffered or Partial;
        return isOfDirection && (part, message) switch
        {
            (Part.Headers, RequestHeadersEvent or ResponseHeadersEvent) => true,
            (Part.FirstPiece, BodyChunkEvent piece) => piece.ChunkIndex == 0,
            (Part.LaterPiece, BodyChunkEvent piece) => isWhole || piece.ChunkIndex == 1,
            (Part.Trailers, BodyChunkEvent piece) => piece.IsLast,
            _ => false,
        };
    }

    private static string Edits(Act act, BodySendMode mode) => (act, mode) switch
    {
        (Act.EditHeaders, Streamed or Partial or Duplex) => "-x-b -content-length x-a=1",
        (Act.EditHeaders, _) => "-x-b x-a=1",
        (Act.Replace, Buffered) => "content-length=15",
        (Act.Drop, Buffered) => "content-length=0",
        (_, Streamed or Partial or Duplex) => "-content-length",
        _ => "",
    };

    private static string Body(Act act, BodySendMode mode) => (act, mode) switch
    {
        (Act.Replace, Streamed or Duplex) => "<one,><two,><three>",
        (Act.Replace, Buffered or Partial) => "<one,two,three>",
        (Act.Drop, not None) => "",
        _ => "one,two,three",
    };
}
