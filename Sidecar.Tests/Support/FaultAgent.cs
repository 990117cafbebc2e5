using System.Collections.Concurrent;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>
/// An agent on a real socket that answers most events well and does something else to the others, from a seed; and that is killed and started again.
/// </summary>
/// <remarks>A good answer bears a tag that names the exchange and the event it is for, so that whoever gets it can tell whether it is theirs.</remarks>
internal sealed class FaultAgent : IAsyncDisposable
{
    private readonly ScriptedAgentListener _listener;
    private readonly ConcurrentBag<Task> _serving = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Fault[] _faults;
    private readonly Random _random;
    private readonly int _faultsInThousand;

    /// <summary>An agent that does not listen before <see cref="Start"/>.</summary>
    /// <param name="path">Its socket.</param>
    /// <param name="seed">Decides everything that is left to chance.</param>
    /// <param name="faultsInThousand">How many of a thousand events go wrong.</param>
    /// <param name="faults">In which ways.</param>
    public FaultAgent(string path, int seed, int faultsInThousand, params Fault[] faults)
    {
        (_random, _faultsInThousand, _faults) = (new Random(seed), faultsInThousand, faults);
        _listener = new ScriptedAgentListener(path)
        {
            OnAccepted = agent =>
            {
                _serving.Add(ServeAsync(agent));
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>Whether it answers one event at a time without naming its exchange (spec §11.3).</summary>
    public bool InOrder { get; init; }

    /// <summary>The encoding it chooses.</summary>
    public string Encoding { get; init; } = ProtocolConstants.Json;

    /// <summary>From when on nothing goes wrong any more.</summary>
    public bool IsCalm { get; set; }

    /// <summary>How often each fault happened.</summary>
    public ConcurrentDictionary<Fault, int> Happened { get; } = new();

    /// <summary>The socket's path.</summary>
    public string Path => _listener.Path;

    /// <summary>The tag of a good answer.</summary>
    public static string TagOf(CorrelationId exchange, MessageType type) => $"{exchange}/{type}";

    /// <summary>Listens.</summary>
    public void Start() => _listener.Start();

    /// <summary>Is gone with all its connections, as after kill -9.</summary>
    public Task KillAsync() => _listener.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _listener.DisposeAsync();
        await Task.WhenAll(_serving);
        _stopping.Dispose();
    }

    private async Task ServeAsync(ScriptedAgent agent)
    {
        try
        {
            agent.NamesIds = !InOrder;
            await agent.AcceptAsync(Encoding);
            AgentEvent? held = null;
            while (true)
            {
                var frame = await agent.ReceiveAsync();
                if (frame.Type == MessageType.Ping)
                {
                    await agent.SendPongAsync(frame);
                }
                else if (EventKinds.Of(frame.Type) != EventKind.None)
                {
                    held = await TakeAsync(agent, agent.Encoding.ReadEvent(frame.Type, frame.Payload), held);
                }
            }
        }
        catch (Exception)
        {
            // It has been killed, or the other side has had enough of it: both are what a storm is for.
        }
    }

    // Returns the event that is to be answered after the next.
    private async Task<AgentEvent?> TakeAsync(ScriptedAgent agent, AgentEvent message, AgentEvent? held)
    {
        var fault = Choose();
        if (fault is { } happened)
        {
            Happened.AddOrUpdate(happened, 1, static (_, n) => n + 1);
        }

        var next = fault == Fault.OutOfOrder && !InOrder ? message : null;
        if (next is null)
        {
            await ActAsync(agent, message, fault);
        }

        if (held is not null)
        {
            await agent.AnswerAsync(held, Good(held));
        }

        return next;
    }

    private Task ActAsync(ScriptedAgent agent, AgentEvent message, Fault? fault)
    {
        var pause = TimeSpan.FromMilliseconds(1 + Number(100));
        switch (fault)
        {
            case Fault.Stall:
                return Task.CompletedTask;
            case Fault.Late:
                var late = LaterAsync(pause, () => agent.AnswerAsync(message, Good(message)));
                return InOrder ? late : Task.CompletedTask;
            case Fault.Drip:
                return agent.AnswerInDripsAsync(message, Good(message));
            case Fault.Twice:
                return TwiceAsync();
            case Fault.WrongId:
                return agent.AnswerAsync(new CorrelationId(new UInt128(1, (ulong)Number(1000) + 1)));
            case Fault.EmptyId:
                return agent.AnswerAsync(default(CorrelationId));
            case Fault.Garbage:
                return agent.AnswerGarbageAsync();
            case Fault.BadAnswer:
                return agent.AnswerBadlyAsync(message);
            case Fault.NotANumber:
                return agent.AnswerNotANumberAsync(message);
            case Fault.Truncate:
                return agent.TruncateAsync();
            case Fault.HalfClose:
                agent.HalfClose();
                return Task.CompletedTask;
            case Fault.Oversized:
                return agent.AnnounceAsync(uint.MaxValue);
            case Fault.ZeroLength:
                return agent.AnnounceAsync(0);
            case Fault.Vanish:
                agent.Vanish();
                return Task.CompletedTask;
            case Fault.StopReading:
                _ = agent.StopReading().ContinueWith(static stopped => stopped.Exception, TaskScheduler.Default);
                _ = LaterAsync(pause, () =>
                {
                    agent.GoOnReading();
                    return Task.CompletedTask;
                });
                return agent.AnswerAsync(message, Good(message));
            case Fault.Pause:
                _ = LaterAsync(pause, () => agent.SendFlowControlAsync(FlowAction.Resume));
                return PauseAsync();
            default:
                return agent.AnswerAsync(message, Good(message));
        }

        async Task TwiceAsync()
        {
            await agent.AnswerAsync(message, Good(message));
            await agent.AnswerAsync(message, Good(message));
        }

        async Task PauseAsync()
        {
            await agent.SendFlowControlAsync(FlowAction.Pause);
            await agent.AnswerAsync(message, Good(message));
        }
    }

    private async Task LaterAsync(TimeSpan pause, Func<Task> act)
    {
        try
        {
            await Task.Delay(pause, TimeProvider.System, _stopping.Token);
            await act();
        }
        catch (Exception)
        {
            // The connection has ended meanwhile.
        }
    }

    private static AgentResponse Good(AgentEvent message) => new()
    {
        Decision = message is RequestHeadersEvent { Uri: "/block" } ? new BlockDecision() : Decision.Allow,
        Audit = new AuditMetadata { Tags = [TagOf(message.CorrelationId, message.Type)] },
    };

    private Fault? Choose()
    {
        lock (_random)
        {
            return IsCalm || _random.Next(1000) >= _faultsInThousand ? null : _faults[_random.Next(_faults.Length)];
        }
    }

    private int Number(int below)
    {
        lock (_random)
        {
            return _random.Next(below);
        }
    }
}
