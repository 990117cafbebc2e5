using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Who takes part in an exchange, in the order of its route's plan, and what of it goes into its record.</summary>
internal sealed partial class Exchange
{
    private readonly Participant[] _participants;
    private ExchangeRecorder _recorder = null!;
    private int _life;

    /// <summary>The order of its participants, and which of them are asked together.</summary>
    public RoutePlan Plan => Route?.Plan ?? RoutePlan.Nobody;

    /// <summary>The agents whose answers are applied, in route order, and after them those whose answers are only recorded.</summary>
    public ReadOnlySpan<Participant> Participants => _participants;

    /// <summary>The agents whose answers are applied, in route order.</summary>
    public ReadOnlySpan<Participant> Enforced => _participants.AsSpan(0, Plan.Enforced);

    /// <summary>The agents whose answers are only recorded, in route order.</summary>
    public ReadOnlySpan<Participant> Monitors => _participants.AsSpan(Plan.Enforced);

    /// <summary>Whether its route asks nobody.</summary>
    public bool AsksNobody => _participants.Length == 0;

    /// <summary>Whether an agent judges the beginning of a request body that is too large for it.</summary>
    public bool TakesBeginnings =>
        Any(Enforced, 0, static (participant, _) => participant.Session.Policy.RequestBody.OnExcess == ExcessAction.Partial);

    /// <summary>Whether an agent, whether its answers are applied or not, is shown headers alone because it states no more.</summary>
    public bool IsShownHeadersOnly => Any(Participants, 0, static (participant, _) => participant.Session.IsShownHeadersOnly);

    /// <summary>Whether an agent whose answer is applied is asked about this kind of event.</summary>
    public bool Wants(EventKind kind) => Any(Enforced, kind, static (participant, kind) => participant.Session.Wants(kind));

    /// <summary>Whether the answer of any agent to this kind of event counts, or is recorded.</summary>
    public bool Decides(EventKind kind) => Any(Participants, kind, static (participant, kind) => participant.Decides(kind));

    /// <summary>
    /// The request is known: if its route keeps sessions together, every agent is asked in the session's version, on its connection.
    /// </summary>
    public void Stick(RequestHeadersEvent message)
    {
        if (Route?.Sticky is not { } sticky)
        {
            return;
        }

        var key = sticky.KeyOf(message, SessionId);
        foreach (var participant in _participants)
        {
            participant.Session.Choose(key);
        }
    }

    private static bool Any<T>(ReadOnlySpan<Participant> participants, T of, Func<Participant, T, bool> condition)
    {
        foreach (var participant in participants)
        {
            if (condition(participant, of))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>It has reached a listener. Once, before anything is noted.</summary>
    /// <param name="recorder">Keeps what happens.</param>
    /// <param name="host">The host asked for; null when nobody knows.</param>
    /// <param name="target">The raw request target; null when nobody knows.</param>
    /// <param name="method">The method; null when nobody knows.</param>
    public void BeginRecord(ExchangeRecorder recorder, string? host, string? target, string? method)
    {
        (_recorder, _life) = (recorder, recorder.Begin(this, host, target, method));
        recorder.Observers.OnBegun(Listener);
    }

    /// <summary>The request is known.</summary>
    public void Describe(RequestMetadata metadata) => _recorder.Describe(_life, metadata);

    /// <summary>
    /// Something has happened; it goes into the record unless that is closed, and to those who do not wait for it in any case.
    /// </summary>
    public void Record(in RecordEntry entry)
    {
        _recorder.Observers.OnEntry(Listener, RouteLabel, entry);
        if (entry.Event != EventKind.RequestComplete)
        {
            _recorder.Add(_life, entry);
        }
    }

    /// <summary>The front end could not carry an operation that agents asked for.</summary>
    /// <param name="operation">Which: a bounded set of words.</param>
    public void NoteUnapplied(string operation) => Record(new RecordEntry { Kind = RecordKind.Unapplied, Label = operation });

    /// <summary>A verdict is given.</summary>
    public Verdict Give(EventKind kind, Verdict verdict)
    {
        Record(new RecordEntry { Kind = RecordKind.Verdict, Event = kind, Verdict = verdict });
        return verdict;
    }

    /// <summary>
    /// An answer is awaited that belongs into the record. While an event is inspected; paired with <see cref="ReleaseRecord"/>.
    /// </summary>
    public void HoldRecord() => _recorder.Hold();

    /// <summary>That answer has come.</summary>
    public void ReleaseRecord() => _recorder.Release();

    /// <summary>It is accounted: observers are told as soon as the answers have come that belong into the record.</summary>
    public void CloseRecord(LedgerEntry account, long now)
    {
        _recorder.Close(this, account, now);
        _recorder.Release();
    }

    /// <summary>Adds the lines of the route's agents to the record. By the recorder, when nothing more comes.</summary>
    public void AddLines(ExchangeRecorder recorder)
    {
        var enforced = Plan.Enforced;
        foreach (var (agent, stage, place) in Plan.Lines)
        {
            // The ledger of one that only watches is of what would have been.
            recorder.Add(place < 0 ? new AgentRecord { Agent = agent.Agent.Id, Mode = agent.Policy.Mode, Stage = stage }
                : place >= enforced ? LineOf(_participants[place], stage)
                : LineOf(_participants[place], stage) with
                {
                    Request = _participants[place].Of(Direction.Request),
                    Response = _participants[place].Of(Direction.Response),
                    RequestBody = BytesOf(BodyOf(Direction.Request), place),
                    ResponseBody = BytesOf(BodyOf(Direction.Response), place),
                });
        }
    }

    private static AgentRecord LineOf(Participant participant, int stage) => new()
    {
        Agent = participant.Agent,
        Version = participant.Session.Version.Name,
        Mode = participant.Session.Policy.Mode,
        Stage = stage,
        Calls = participant.Calls,
    };

    // A flow has its stages in the order of the participants.
    private static BodyRecord BytesOf(BodyPipeline? flow, int place) =>
        flow is null ? default : new BodyRecord(flow.Stages[place].Seen, flow.Stages[place].Missed);
}
