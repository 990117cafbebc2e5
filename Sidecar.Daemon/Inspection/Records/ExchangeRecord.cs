using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Records;

/// <summary>What happened in one exchange, for observers to read.</summary>
/// <remarks>
/// Valid only during <see cref="IExchangeObserver.OnClosed"/>: the memory behind it serves the next exchange. Who reads it later gets an
/// <see cref="InvalidOperationException"/> instead of another client's data, so whoever needs something for longer copies it. Nothing changes while it is read.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly struct ExchangeRecord
{
    private readonly ExchangeRecorder _recorder;
    private readonly int _life;

    internal ExchangeRecord(ExchangeRecorder recorder, int life) => (_recorder, _life) = (recorder, life);

    /// <summary>Our id of the exchange.</summary>
    public CorrelationId Id => Recorder.Id;

    /// <summary>The id under which agents were told of it: the proxy's where it has one. Cut; null when they were told nothing.</summary>
    public string? ProxyId => Recorder.ProxyId;

    /// <summary>The listener it came through.</summary>
    public string Listener => Recorder.Listener;

    /// <summary>The route it began with; null when none took it, and when it was never known what it asks for.</summary>
    public string? Route => Recorder.Route;

    /// <summary>The route as a label value.</summary>
    public string RouteLabel => Recorder.RouteLabel;

    /// <summary>The generation of the model that it began with.</summary>
    public long Generation => Recorder.Generation;

    /// <summary>The method; cut; null when nobody knows.</summary>
    public string? Method => Recorder.Method;

    /// <summary>The host asked for; cut; null when the proxy did not say.</summary>
    public string? Host => Recorder.Host;

    /// <summary>The raw request target; cut; null when nobody knows.</summary>
    public string? Target => Recorder.Target;

    /// <summary>The client's address; null when nobody knows.</summary>
    public string? Client => Recorder.Client;

    /// <summary>When it began, a timestamp of the clock.</summary>
    public long Started => Recorder.Started;

    /// <summary>When it was accounted, a timestamp of the clock. Agents that only watch may have answered after that.</summary>
    public long Ended => Recorder.Ended;

    /// <summary>How the whole is accounted.</summary>
    public LedgerEntry Account => Recorder.Account;

    /// <summary>The verdict that ended the exchange, or the last one that let it go on; null when none was given.</summary>
    public Verdict? Final => Recorder.Final;

    /// <summary>The event that <see cref="Final"/> is about.</summary>
    public EventKind FinalEvent => Recorder.FinalEvent;

    /// <summary>The agents of its route in route order, also those that took no part.</summary>
    public ReadOnlySpan<AgentRecord> Agents => Recorder.Agents;

    /// <summary>What happened, in the order in which it was noted. That the exchange is over is told to agents later, and is not among it.</summary>
    public ReadOnlySpan<RecordEntry> Entries => Recorder.Entries;

    /// <summary>How many more entries there were than are kept.</summary>
    public int More => Recorder.More;

    private ExchangeRecorder Recorder
    {
        get
        {
            if (_recorder.Life != _life)
            {
                ThrowOver();
            }

            return _recorder;
        }
    }

    [DoesNotReturn]
    [StackTraceHidden]
    private static void ThrowOver() =>
        throw new InvalidOperationException("The record of an exchange was read after OnClosed had returned; copy what is needed for longer.");
}
