using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Storm;

/// <summary>One exchange in the storm: any events a proxy may bring, in both directions at once, given up in the middle of it or not.</summary>
internal sealed class StormExchange(Inspector inspector, Random random, List<string> wrong)
{
    private Exchange _exchange = null!;
    private bool _allowed = true;
    private bool _abandoned;

    public async Task RunAsync()
    {
        var uri = random.Next(20) == 0 ? "/block" : "/";
        _exchange = inspector.Begin("storm", "example.org", uri, "GET");
        try
        {
            var request = Events.Request("unused", uri);
            request.Headers.Add("x-session", $"{random.Next(10)}");
            if (!await InspectAsync(request))
            {
                return;
            }

            var request1 = BodyAsync(Direction.Request, random.Next(4));
            var response = random.Next(2) == 0 ? RespondAsync() : null;
            await request1;
            await (response ?? (random.Next(3) == 0 ? FramesAsync() : RespondAsync()));
            if (random.Next(4) == 0)
            {
                await InspectAsync(Events.Guardrail("unused", "text"));
            }
        }
        finally
        {
            inspector.End(_exchange, random.Next(2) == 0 ? Events.Complete("unused") : null);
            inspector.End(_exchange);
            Judge();
        }
    }

    private async Task RespondAsync()
    {
        if (await InspectAsync(Events.Response("unused")))
        {
            await BodyAsync(Direction.Response, random.Next(4));
        }
    }

    private async Task FramesAsync()
    {
        for (var i = 0UL; i < 3; i++)
        {
            await InspectAsync(Events.Frame("unused", "frame", i % 2 == 0, i));
        }
    }

    private async Task BodyAsync(Direction direction, int pieces)
    {
        for (var i = 0; i < pieces; i++)
        {
            var end = i < pieces - 1 ? BodyEnd.More : random.Next(5) == 0 ? BodyEnd.Truncated : BodyEnd.Last;
            var pushing = inspector.PushAsync(_exchange, direction, new BodyPiece(new byte[random.Next(20_000)], end), Deadline()).AsTask();
            MaybeGiveUp();
            using var step = await pushing;
            Check(step.Verdict);
            if (!step.Verdict.IsAllow)
            {
                return;
            }
        }
    }

    private async Task<bool> InspectAsync(AgentEvent message)
    {
        var asking = inspector.InspectAsync(_exchange, message, Deadline()).AsTask();
        MaybeGiveUp();
        var verdict = await asking;
        Check(verdict, message.Type);
        return verdict.IsAllow;
    }

    private long Deadline() => inspector.DeadlineIn(TimeSpan.FromMilliseconds(400));

    private void MaybeGiveUp()
    {
        if (random.Next(30) == 0)
        {
            _abandoned = true;
            _exchange.Abandon(Cause.ClientGone, CancelReason.ClientDisconnect);
        }
    }

    private void Check(Verdict verdict, MessageType? type = null)
    {
        _allowed &= verdict.IsAllow;
        foreach (var audit in verdict.Audits.Where(static audit => audit.Agent == "honest"))
        {
            foreach (var tag in audit.Audit.Tags)
            {
                var prefix = type is { } known ? FaultAgent.TagOf(_exchange.Id, known) : _exchange.Id.ToString();
                if (!tag.StartsWith(prefix, StringComparison.Ordinal))
                {
                    Add($"exchange {_exchange.Id} got an answer that is not its own: {tag}, expected {prefix}");
                }
            }
        }
    }

    // Whatever was allowed must have been seen by every agent that has to see it.
    private void Judge()
    {
        if (!_allowed || _abandoned)
        {
            return;
        }

        foreach (
            var participant in _exchange.Enforced.ToArray().Where(static one => !one.Session.Policy.OnFailure.MayBeOpen))
        {
            if (participant.Of(Direction.Request).State is var state && state is not (LedgerState.Inspected or LedgerState.Partly))
            {
                Add($"exchange {_exchange.Id} passed, but agent {participant.Agent} which must see it is accounted {state}");
            }
        }
    }

    private void Add(string what)
    {
        lock (wrong)
        {
            wrong.Add(what);
        }
    }
}
