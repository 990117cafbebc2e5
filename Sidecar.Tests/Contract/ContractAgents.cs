using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>The agents of a case, and what happens to them while a front end waits for their verdict.</summary>
internal sealed class ContractAgents
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider? _clock;
    private readonly Part[] _parts;
    private InspectionHarness? _daemon;

    public ContractAgents(ContractCase contract)
    {
        _parts = contract.Agents;

        // An agent that is late is so by a clock that moves when it has been asked.
        _clock = Array.Exists(_parts, static part => part.Trouble == Trouble.Timeout) ? new FakeTimeProvider() : null;
        Agents = [.. _parts.Select(Play)];
        Options = new HarnessOptions
        {
            Time = _clock ?? TimeProvider.System,
            Routes = contract.IsRouted
                ? null
                : static on => [new RouteModel { Id = "api", Match = new RouteMatch { PathPrefix = "/api" }, Stages = [[on("1")]] }],
        };
    }

    /// <summary>The agents in the order of the route, asked at once.</summary>
    public LambdaAgent[] Agents { get; }

    /// <summary>What the daemon behind the front end is made of besides them.</summary>
    public HarnessOptions Options { get; }

    /// <summary>Lets happen what the case says, until the front end has answered.</summary>
    public async Task AccompanyAsync(InspectionHarness daemon, Func<Task> ask)
    {
        _daemon = daemon;
        var asking = ask();
        if (_clock is not null)
        {
            await Agents[0].SeenAsync(1);
            await Eventually.TrueAsync(_clock, Timeout / 10, () => asking.IsCompleted, "the end of the call's time");
        }

        await asking;
    }

    private LambdaAgent Play(Part part, int index) => new(NameOf(index))
    {
        IsAbsent = part.Trouble == Trouble.Absent,
        Supports = EventSet.RequestHeaders,
        Policy = LambdaAgent.PolicyOf(part.FailureMode, _clock is null ? null : Timeout) with { Events = EventSet.RequestHeaders, Mode = part.Mode },
        Answers = (_, cancellation) => AnswerAsync(index, cancellation),
    };

    private async ValueTask<AgentResponse> AnswerAsync(int index, CancellationToken cancellation)
    {
        var part = _parts[index];
        for (var i = 0; i < index; i++)
        {
            var before = $"{NameOf(i)}|request_headers|Answered=1";
            await Eventually.TrueAsync(() => _daemon!.Sums.Of("agent.calls").Contains(before), Limit, $"the answer of agent {NameOf(i)}");
        }

        if (part.Trouble == Trouble.Crash)
        {
            _daemon!.Crash(NameOf(index));
        }

        if (part.Trouble is Trouble.Crash or Trouble.Timeout)
        {
            await Task.Delay(System.Threading.Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }

        return part.Trouble == Trouble.Error ? throw new InvalidOperationException("cannot decide") : part.Says;
    }

    private static string NameOf(int index) => $"{index + 1}";
}
