using NUnit.Framework;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Kind = Sidecar.Protocol.Envoy.ProcessingResponse.ResponseOneofCase;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>
/// Plays Envoy's filter: sends a request or a response in one mode and applies the answers by its rules (proxy integration §3.5); a broken rule fails the test.
/// </summary>
internal sealed class FakeEnvoy(IEnvoyWire wire, BodySendMode mode)
{
    /// <summary>In partial mode: how much of a body it sends.</summary>
    public int PartialLimit { get; init; } = int.MaxValue;

    /// <summary>The reply that ended everything; null when there was none.</summary>
    public ImmediateResponse? Reply { get; private set; }

    /// <summary>Sends one half.</summary>
    /// <param name="direction">Which.</param>
    /// <param name="pieces">Its body; none for none.</param>
    /// <param name="trailers">Whether trailers follow.</param>
    /// <param name="headers">Its headers but for the pseudo headers.</param>
    /// <returns>What goes on: the header changes and the body; null when the reply came instead.</returns>
    public async Task<Passed?> SendAsync(Direction direction, string[] pieces, bool trailers = false, params (string Name, string Value)[] headers)
    {
        var passed = new Passed();
        var hasBody = pieces.Length > 0 || trailers;
        await wire.TellAsync(Messages.Headers(direction, !hasBody, mode, headers));
        if (mode != BodySendMode.FullDuplexStreamed && await AnswerAsync(direction, Kind.RequestHeaders, Kind.ResponseHeaders) is var first)
        {
            if (first is null)
            {
                return null;
            }

            passed.Add((first.RequestHeaders ?? first.ResponseHeaders).Response.HeaderMutation);
        }

        var isDone = mode switch
        {
            BodySendMode.Streamed => await StreamAsync(direction, pieces, !trailers, passed),
            BodySendMode.Buffered or BodySendMode.BufferedPartial => pieces.Length == 0 || await BufferAsync(direction, string.Concat(pieces), passed, headers),
            BodySendMode.FullDuplexStreamed => await DuplexAsync(direction, pieces, trailers, passed),
            _ => passed.Append(string.Concat(pieces)),
        };
        if (!isDone)
        {
            return null;
        }

        if (trailers && mode != BodySendMode.FullDuplexStreamed)
        {
            await wire.TellAsync(Messages.Trailers(direction));
            if (await wire.NextOrEndAsync() is { } answer)
            {
                return IsOf(answer, direction, Kind.RequestTrailers, Kind.ResponseTrailers) ? passed : null;
            }

            Assert.That((mode, direction), Is.EqualTo((BodySendMode.None, Direction.Response)), "what else is on its way must be answered");
            return passed;
        }

        return passed;
    }

    private async Task<bool> StreamAsync(Direction direction, string[] pieces, bool ends, Passed passed)
    {
        // Several may be outstanding.
        for (var i = 0; i < pieces.Length; i++)
        {
            await wire.TellAsync(Messages.Body(direction, pieces[i], ends && i == pieces.Length - 1));
        }

        foreach (var piece in pieces)
        {
            if (await AnswerAsync(direction, Kind.RequestBody, Kind.ResponseBody) is not { } answer)
            {
                return false;
            }

            passed.Apply((answer.RequestBody ?? answer.ResponseBody).Response, piece);
        }

        return true;
    }

    private async Task<bool> BufferAsync(Direction direction, string body, Passed passed, (string Name, string Value)[] headers)
    {
        var sent = mode == BodySendMode.BufferedPartial && body.Length > PartialLimit ? body[..PartialLimit] : body;
        await wire.TellAsync(Messages.Body(direction, sent, last: sent.Length == body.Length));
        if (await AnswerAsync(direction, Kind.RequestBody, Kind.ResponseBody) is not { } answer)
        {
            return false;
        }

        var common = (answer.RequestBody ?? answer.ResponseBody).Response;
        passed.Add(common.HeaderMutation);
        passed.Apply(common, sent);
        if (mode == BodySendMode.Buffered && common.BodyMutation is not null && Array.Exists(headers, static header => header.Name == "content-length"))
        {
            Assert.That(passed.Edits, Does.Contain($"content-length={passed.Body.Length}"), "Envoy answers 500 to a changed body without its length");
        }

        return passed.Append(body[sent.Length..]);
    }

    private async Task<bool> DuplexAsync(Direction direction, string[] pieces, bool trailers, Passed passed)
    {
        for (var i = 0; i < pieces.Length; i++)
        {
            await wire.TellAsync(Messages.Body(direction, pieces[i], !trailers && i == pieces.Length - 1));
        }

        if (trailers)
        {
            await wire.TellAsync(Messages.Trailers(direction));
        }

        if (await AnswerAsync(direction, Kind.RequestHeaders, Kind.ResponseHeaders) is not { } headers)
        {
            return false;
        }

        passed.Add((headers.RequestHeaders ?? headers.ResponseHeaders).Response.HeaderMutation);
        for (var isOpen = pieces.Length > 0 || trailers; isOpen;)
        {
            var answer = await wire.NextAsync();
            if (TryReply(answer))
            {
                return false;
            }

            if ((answer.RequestBody ?? answer.ResponseBody) is { } body)
            {
                var streamed = body.Response.BodyMutation.StreamedResponse;
                Assert.That(streamed, Is.Not.Null, $"in full duplex every piece is a streamed response: {answer}");
                Assert.That(streamed.Body.Length, Is.LessThanOrEqualTo(64 * 1024));
                passed.Append(streamed.Body.ToStringUtf8());
                isOpen = !streamed.EndOfStream;
            }
            else
            {
                Assert.That((trailers, answer.ResponseCase), Is.EqualTo((true, direction == Direction.Request ? Kind.RequestTrailers : Kind.ResponseTrailers)));
                isOpen = false;
            }
        }

        return true;
    }

    private async Task<ProcessingResponse?> AnswerAsync(Direction direction, Kind ofRequest, Kind ofResponse)
    {
        var answer = await wire.NextAsync();
        return IsOf(answer, direction, ofRequest, ofResponse) ? answer : null;
    }

    private bool IsOf(ProcessingResponse answer, Direction direction, Kind ofRequest, Kind ofResponse)
    {
        if (TryReply(answer))
        {
            return false;
        }

        Assert.That(answer.ResponseCase, Is.EqualTo(direction == Direction.Request ? ofRequest : ofResponse), "of the matching kind, in order");
        Assert.That((answer.RequestBody ?? answer.ResponseBody)?.Response.BodyMutation?.StreamedResponse, Is.Null, "full duplex only");
        return true;
    }

    private bool TryReply(ProcessingResponse answer)
    {
        Reply ??= answer.ImmediateResponse;
        return answer.ResponseCase == Kind.ImmediateResponse;
    }
}

/// <summary>What goes on after the filter.</summary>
internal sealed class Passed
{
    /// <summary>The header changes, as text, in the order they came.</summary>
    public string Edits { get; private set; } = "";

    /// <summary>The body.</summary>
    public string Body { get; private set; } = "";

    public bool Append(string bytes)
    {
        Body += bytes;
        return true;
    }

    public void Add(HeaderMutation? mutation) => Edits = $"{Edits} {mutation.Text()}".Trim();

    public void Apply(CommonResponse answer, string sent) => Append(answer.BodyMutation switch
    {
        null => sent,
        { ClearBody: true } => "",
        var mutation => mutation.Body.ToStringUtf8(),
    });
}
