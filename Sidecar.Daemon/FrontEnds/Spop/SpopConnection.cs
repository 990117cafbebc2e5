using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// One connection of HAProxy: HELLO, then any number of NOTIFYs that are answered as they are judged, then the end (proxy integration §1.5,
/// §1.6).
/// </summary>
/// <remarks>
/// One loop reads, one writes; the answers come from wherever their inspection ends. Whatever the peer does costs this connection at most,
/// and what is kept for it is bounded: one frame, its fragments, its messages in work, its unsent answers.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Running to the end is what disposes of them.")]
internal sealed class SpopConnection
{
    private readonly string _id;
    private readonly IDuplexPipe _pipe;
    private readonly SpopFrontEnd _frontEnd;
    private readonly SpopListenerOptions _options;
    private readonly TimeProvider _time;
    private readonly FrameOutput _output;
    private readonly SpopDispatcher _frames;
    private readonly SpopTimeouts _timeouts;
    private SpopConnectionEnd? _end;
    private volatile bool _stopping;
    private volatile bool _isLeaving;
    private long _quiet;
    private long _lastAnswer;
    private long? _goodbye;

    /// <summary>A connection on which nothing was said yet.</summary>
    public SpopConnection(string id, IDuplexPipe pipe, SpopFrontEnd frontEnd)
    {
        (_id, _pipe, _frontEnd, _options, _time) = (id, pipe, frontEnd, frontEnd.Options, frontEnd.Time);
        _output = new FrameOutput(pipe.Output, _options.MaxUnsent);
        _frames = new SpopDispatcher(id, _output, frontEnd, OnEmptied);
        _timeouts = new SpopTimeouts(_options, _time, _output);
    }

    /// <summary>Why it ended; meaningful when <see cref="RunAsync"/> has returned.</summary>
    public SpopConnectionEnd End => _end ?? SpopConnectionEnd.Closed;

    /// <summary>NOTIFYs in work.</summary>
    public int InFlight => _frames.InFlight;

    /// <summary>Serves the connection to its end. Never throws.</summary>
    public async Task RunAsync()
    {
        var writing = _output.RunAsync();
        await ReadAsync(writing).ConfigureAwait(false);
        if (End.IsOrderly)
        {
            await _frames.EmptyAsync().ConfigureAwait(false);
        }
        else
        {
            _frames.AbandonAll();
        }

        await CloseAsync(writing).ConfigureAwait(false);

        // Each ends by its deadline at the latest.
        await _frames.EmptyAsync().ConfigureAwait(false);
        _frames.Dispose();
        if (End.Reason == "violation" && _frontEnd.Throttle.MayLog("violation", out var more))
        {
            Log.Refused(_frontEnd.Logger, _options.Name, _id, End.Status.GetValueOrDefault(), End.Message, more);
        }

        Log.Ended(_frontEnd.Logger, _options.Name, _id, End.Reason, End.Message);
    }

    /// <summary>Takes no more; answers what is in work, says goodbye and ends.</summary>
    public void Stop()
    {
        _stopping = true;
        _pipe.Input.CancelPendingRead();
    }

    /// <summary>
    /// Says goodbye if nothing is in work, and then answers what still comes until HAProxy closes. Called again and again, from any thread:
    /// a question that is on its way when HAProxy reads the goodbye is lost to it, so the moment should be a quiet one.
    /// </summary>
    /// <param name="quiet">How long ago the last answer must have been: HAProxy drops one that it finds together with the goodbye.</param>
    public void Leave(TimeSpan quiet)
    {
        Volatile.Write(ref _quiet, quiet.Ticks);
        _isLeaving = true;
        _pipe.Input.CancelPendingRead();
    }

    /// <summary>Looks after deadlines; called every second, from any thread.</summary>
    public void Look()
    {
        if (_timeouts.IsNotReading())
        {
            _output.Close(discard: true);
        }

        // To wake a reader costs as much as a message: only where it would find something.
        if (_isLeaving || _output.IsClosed || _timeouts.IsDue)
        {
            _pipe.Input.CancelPendingRead();
        }
    }

    private void OnEmptied()
    {
        Volatile.Write(ref _lastAnswer, _time.GetTimestamp());
        if (_isLeaving)
        {
            _pipe.Input.CancelPendingRead();
        }
    }

    private async Task ReadAsync(Task<Exception?> writing)
    {
        try
        {
            while (_end is null)
            {
                var result = await _pipe.Input.ReadAsync().ConfigureAwait(false);
                var buffer = result.Buffer;
                var came = _time.GetTimestamp();
                var hasRoom = _frames.TakeAll(ref buffer, out var frames);
                var rest = buffer.Length;
                _pipe.Input.AdvanceTo(buffer.Start, hasRoom ? buffer.End : buffer.Start);
                if (frames > 0)
                {
                    _timeouts.FrameCame(came);
                }

                _end = _frames.End;
                if (_end is not null)
                {
                    return;
                }

                if (!hasRoom)
                {
                    await _frames.RoomAsync().ConfigureAwait(false);
                    continue;
                }

                _timeouts.Note(rest, _frames.IsGreeted, _frames.InFlight > 0, _frames.HasFragments);
                if (rest == 0)
                {
                    SayGoodbyeWhenQuiet();
                }

                _end = writing.IsCompleted ? SpopConnectionEnd.NotReading
                    : Left(result.IsCompleted && rest == 0) is { } left ? left
                    : result.IsCompleted
                        ? (rest == 0
                            ? SpopConnectionEnd.Closed
                            : SpopConnectionEnd.Broken($"HAProxy closed in the middle of a frame, after {rest} bytes of it"))
                    : _timeouts.Overdue();
                _frames.Expire(_timeouts.Before(_options.FrameTimeout));
            }
        }
        catch (Exception e)
        {
            _end ??= SpopConnectionEnd.Broken(e.Message);
        }
    }

    private void SayGoodbyeWhenQuiet()
    {
        if (_isLeaving && _goodbye is null && _frames.IsGreeted && _frames.InFlight == 0
            && _time.GetElapsedTime(Volatile.Read(ref _lastAnswer)) >= TimeSpan.FromTicks(Volatile.Read(ref _quiet)))
        {
            SayGoodbye(SpopStatus.Normal, SpopConnectionEnd.Stopped.Message);
            _goodbye = _time.GetTimestamp();
            _frames.HasLeft = true;
        }
    }

    private void SayGoodbye(SpopStatus status, string message) => _output.TryAppend(SpopListener.Goodbye(status, message));

    // Null while it has not, or need not have.
    private SpopConnectionEnd? Left(bool isClosed) =>
        _goodbye is { } since && (_stopping || isClosed || _time.GetElapsedTime(since) >= _options.LeaveTimeout) ? SpopConnectionEnd.Left
        : _stopping ? SpopConnectionEnd.Stopped
        : null;

    private async Task CloseAsync(Task<Exception?> writing)
    {
        if (End.Status is { } status)
        {
            SayGoodbye(status, End.Message);
        }

        _output.Close(discard: false);
        try
        {
            await writing.WaitAsync(_options.WriteTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _output.Close(discard: true);
            await writing.ConfigureAwait(false);
        }

        await _pipe.Input.CompleteAsync().ConfigureAwait(false);
        await _pipe.Output.CompleteAsync().ConfigureAwait(false);
    }
}

/// <summary>Why a connection ends. Set once; used in the log, in the metric and in what HAProxy is told.</summary>
/// <param name="Reason">A bounded word, the label of the metric.</param>
/// <param name="Status">What HAProxy is told; null when it is gone and cannot be told.</param>
/// <param name="Message">In words.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SpopConnectionEnd(string Reason, SpopStatus? Status, string Message)
{
    /// <summary>HAProxy closed without a word, as 3.1 and newer do.</summary>
    public static SpopConnectionEnd Closed => new("closed", null, "HAProxy closed the connection");

    /// <summary>HAProxy said that it goes.</summary>
    public static SpopConnectionEnd Disconnected(in SpopDisconnect said) =>
        new("disconnected", SpopStatus.Normal, $"HAProxy said {said.Code}: {said.Message}");

    /// <summary>A health check was answered.</summary>
    public static SpopConnectionEnd Checked => new("health-check", null, "the health check is answered");

    /// <summary>The listener stops.</summary>
    public static SpopConnectionEnd Stopped => new("stopped", SpopStatus.Normal, "the sidecar stops");

    /// <summary>The same, and HAProxy has been told already.</summary>
    public static SpopConnectionEnd Left => Stopped with { Status = null };

    /// <summary>The peer was too slow.</summary>
    public static SpopConnectionEnd TooSlow(string message) => new("timeout", SpopStatus.Timeout, message);

    /// <summary>The peer did not say who it is.</summary>
    public static SpopConnectionEnd NoHello(TimeSpan limit) => TooSlow($"no HAPROXY-HELLO within {limit.TotalSeconds:0.###} s");

    /// <summary>The peer does not read what we send.</summary>
    public static SpopConnectionEnd NotReading => new("not-reading", null, "HAProxy does not read our answers");

    public static SpopConnectionEnd Broken(string message) => new("broken", null, message);

    /// <summary>The peer broke the rules.</summary>
    public static SpopConnectionEnd Violation(in SpopError error) => new("violation", error.Status, error.Message);

    /// <summary>Whether the answers under way are still wanted.</summary>
    public bool IsOrderly => Reason == Stopped.Reason;
}
