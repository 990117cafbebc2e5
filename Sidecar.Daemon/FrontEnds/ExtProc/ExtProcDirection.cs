using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// One direction of an ext_proc stream: headers, body, trailers, one message after the other. Both directions of an exchange may be live at
/// once, so neither waits for the other's agents.
/// </summary>
/// <remarks>Messages come from one reader; what is waiting is bounded, beyond it the reader waits and Envoy with it.</remarks>
internal sealed class ExtProcDirection(ExtProcExchange exchange, Direction direction)
{
    // Twice what fits into a stream's window at once, and enough small pieces that a response's headers do not wait behind them.
    private const long MaxBytes = 128 * 1024;
    private const int MaxMessages = 64;

    // One message is being dealt with, the others wait here; most directions have no second.
    private static readonly BoundedChannelOptions Waiting = new(MaxMessages - 1) { SingleReader = true, SingleWriter = true };

    private Channel<(ProcessingRequest Message, long Arrived)>? _waiting;
    private int _messages;
    private long _bytes;
    private BodyCarrier? _carrier;
    private volatile bool _hasEnded;

    public Direction Direction => direction;

    public EnvoyHeaders Headers { get; private set; } = exchange.RequestHeaders;

    /// <summary>The answer about the headers, sent or not.</summary>
    public HeadersAnswer? Answer { get; private set; }

    /// <summary>Whether a body was announced and its end has not come.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether agents wanted the body when its headers were judged.</summary>
    public bool IsWanted { get; private set; }

    /// <summary>Bytes of the body that came.</summary>
    public long Received { get; private set; }

    /// <summary>Whether Envoy has given this direction up: what agents still say about it is told to nobody.</summary>
    public bool IsGivenUp { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>Whether a message is not answered yet.</summary>
    public bool IsBusy => Volatile.Read(ref _messages) > 0;

    /// <summary>Ends when everything that came is dealt with. For the reader, or after its end.</summary>
    public Task Idle { get; private set; } = Task.CompletedTask;

    /// <summary>Takes a message; waits while too much is waiting.</summary>
    /// <param name="message">A message of this direction, in the right order.</param>
    /// <param name="arrived">When it came, a timestamp.</param>
    public async ValueTask AddAsync(ProcessingRequest message, long arrived)
    {
        if (Interlocked.Read(ref _bytes) >= MaxBytes)
        {
            await Idle.ConfigureAwait(false);
        }

        Interlocked.Add(ref _bytes, SizeOf(message));
        if (Interlocked.CompareExchange(ref _messages, 1, 0) != 0)
        {
            // Before the message is counted, because whoever sees the count reads from it.
            _waiting ??= Channel.CreateBounded<(ProcessingRequest, long)>(Waiting);
            if (Interlocked.Increment(ref _messages) > 1)
            {
                await _waiting.Writer.WriteAsync((message, arrived)).ConfigureAwait(false);
                return;
            }
        }

        Idle = RunAsync(message, arrived);
    }

    // Whether more than its headers is on its way to us, or can be.
    private bool MayGoOn => !_hasEnded && exchange.Modes.Of(direction) != BodySendMode.None;

    /// <summary>The body has ended, or no more of it will be seen.</summary>
    public void Close() => IsOpen = false;

    /// <summary>Envoy answers the client itself: nothing of this direction goes on.</summary>
    public void GiveUp()
    {
        IsGivenUp = true;
        Close();
    }

    // From the first of some messages to the last.
    private async Task RunAsync(ProcessingRequest message, long arrived)
    {
        while (true)
        {
            try
            {
                var end = exchange.IsOver || IsGivenUp ? null : await TakeAsync(message, arrived).ConfigureAwait(false);
                if (end is { IsBroken: true })
                {
                    await exchange.Stream.RefuseAsync(Cause.BrokenFilter, end).ConfigureAwait(false);
                }
                else if (end is not null)
                {
                    exchange.Stream.EndWith(end);
                }
            }
            catch (Exception e)
            {
                EnvoyLog.StreamFailed(exchange.Filter.Logger, exchange.Options.Name, exchange.Exchange.Id.ToString(), e);
                await exchange.Stream.RefuseAsync(
                    Cause.Internal, new ExtProcEnd("a defect of the sidecar")).ConfigureAwait(false);
            }

            Interlocked.Add(ref _bytes, -SizeOf(message));
            if (Interlocked.Decrement(ref _messages) == 0)
            {
                return;
            }

            (message, arrived) = await _waiting!.Reader.ReadAsync().ConfigureAwait(false);
        }
    }

    private ValueTask<ExtProcEnd?> TakeAsync(ProcessingRequest message, long arrived) => message.RequestCase switch
    {
        Part.RequestHeaders => TakeRequestAsync(message, arrived),
        Part.ResponseHeaders => TakeResponseAsync(message.ResponseHeaders, arrived),
        Part.RequestBody => TakeBodyAsync(message.RequestBody, arrived),
        Part.ResponseBody => TakeBodyAsync(message.ResponseBody, arrived),
        _ => TakeTrailersAsync(arrived),
    };

    private static int SizeOf(ProcessingRequest message) => (message.RequestBody ?? message.ResponseBody)?.Body.Length ?? 0;

    private ValueTask<ExtProcEnd?> TakeRequestAsync(ProcessingRequest message, long arrived)
    {
        if (Headers.Problem is not null)
        {
            return exchange.RefuseAsync(Cause.Malformed);
        }

        var hasBody = !message.RequestHeaders.EndOfStream && !Headers.IsUpgrade && exchange.Modes.MayBring(Direction.Request);
        var told = new ExtProcAttributes(message.Attributes).Event(
            Headers, exchange.Exchange, hasBody, exchange.Stream.Inspector.Time.GetUtcNow());
        return JudgeHeadersAsync(told, message.RequestHeaders.EndOfStream, arrived);
    }

    private ValueTask<ExtProcEnd?> TakeResponseAsync(HttpHeaders headers, long arrived)
    {
        Headers = EnvoyHeaders.Read(headers.Headers, exchange.Options);
        if (Headers.Status is not { } status)
        {
            return new(new ExtProcEnd("the response's headers have no :status from 100 to 999"));
        }

        if (Headers.Problem is not null)
        {
            return exchange.RefuseAsync(Cause.TooLarge, direction: Direction.Response);
        }

        exchange.Status = status;
        exchange.HasSwitched = exchange.RequestHeaders.HasSwitchedBy(status);
        return JudgeHeadersAsync(new ResponseHeadersEvent { Status = status, Headers = Headers.Headers }, headers.EndOfStream, arrived);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ExtProcEnd?> JudgeHeadersAsync(AgentEvent told, bool isEnd, long arrived)
    {
        var mayExtend = !exchange.Modes.SendsBodiesEarly && exchange.Modes.Of(direction) != BodySendMode.FullDuplexStreamed;
        var verdict = await exchange.InspectAsync(told, arrived, mayExtend).ConfigureAwait(false);
        if (IsGivenUp)
        {
            return null;
        }

        if (!verdict.IsAllow)
        {
            return await exchange.RefuseAsync(verdict).ConfigureAwait(false);
        }

        var wanted = Inspector.Wants(exchange.Exchange);
        var body = direction == Direction.Request ? wanted.RequestBody : wanted.ResponseBody;
        var isLeaving = direction == Direction.Request ? Headers.IsUpgrade : exchange.HasSwitched;
        (IsOpen, _hasEnded) = (!isEnd, isEnd);
        IsWanted = !isEnd && !isLeaving && body.Need != BodyNeed.None;
        Answer = new HeadersAnswer(exchange, this);
        Answer.Add(verdict);
        Answer.Override = direction == Direction.Request
            ? exchange.Modes.AskAtRequest(wanted, !isEnd && !IsBeyondReach(body), exchange.HasResponseEdits, Headers.MayLeaveHttp)
            : exchange.Modes.AskAtResponse(wanted, !isEnd && !isLeaving);

        // A tunnel has no body that ends.
        var mode = direction == Direction.Request && Headers.IsTunnel ? BodySendMode.None : exchange.Modes.Of(direction);
        if (IsWanted && mode == BodySendMode.None)
        {
            var missed = await MissBodyAsync(arrived).ConfigureAwait(false);
            if (!missed.IsAllow)
            {
                return await exchange.RefuseAsync(missed).ConfigureAwait(false);
            }

            Answer.Add(missed);
        }

        // Only in full duplex Envoy waits without a limit, so only there the headers can wait for an agent that decides about the whole
        // body.
        return mode == BodySendMode.FullDuplexStreamed && IsWanted && body.Need == BodyNeed.Full ? null
            : await Answer.SendAsync().ConfigureAwait(false) ?? (IsAllThatMatters ? ExtProcEnd.Done : null);
    }

    // A stream that we end spares Envoy and us a reset, and what comes before it: the rest of a response of which agents see no more, and
    // all of it where nobody is asked. Envoy goes on without us only where no body is on its way to us. In this order: one that is over is
    // busy until its last is answered.
    private bool IsAllThatMatters => !exchange.IsObserving && !MayGoOn
        && (direction == Direction.Response
            ? exchange.Request is { MayGoOn: false } request && !request.IsBusy
            : exchange.Exchange.AsksNobody && exchange.Modes.Of(Direction.Response) == BodySendMode.None);

    // Bodies that are too large for the agents, or for Envoy's buffer, are not asked for: the one would go upstream in part before it is
    // refused, the other would be waited for without an end.
    private bool IsBeyondReach(WantedBody body) => IsWanted && exchange.Modes.TakesOverrides && Headers.ContentLength is { } length
        && ((length > body.MaxBytes && !exchange.Exchange.TakesBeginnings)
            || (body.Need == BodyNeed.Full && length > exchange.Modes.Holdable));

    // Envoy keeps a body to itself that agents want.
    private async ValueTask<Verdict> MissBodyAsync(long arrived)
    {
        Close();
        using var step = await exchange.PushAsync(
            direction, new BodyPiece(default, BodyEnd.Unseen, Headers.ContentLength), arrived, mayExtend: false).ConfigureAwait(false);
        return step.Verdict;
    }

    private ValueTask<ExtProcEnd?> TakeBodyAsync(HttpBody body, long arrived)
    {
        Received += body.Body.Length;
        _hasEnded |= ExtProcOrder.IsLast(body);
        exchange.Modes.NoteBody(direction);
        _carrier ??= exchange.Modes.OfFirst(direction, ExtProcOrder.IsLast(body)) switch
        {
            BodySendMode.Streamed => new StreamedBody(exchange, this),
            BodySendMode.FullDuplexStreamed => new DuplexBody(exchange, this),
            BodySendMode.Buffered => new BufferedBody(exchange, this, isWhole: true),
            BodySendMode.BufferedPartial => new BufferedBody(exchange, this, isWhole: false),
            _ => null,
        };
        return _carrier is null ? new(new ExtProcEnd($"a {direction} body came, and the filter's mode is NONE"))
            : exchange.HasSwitched ? _carrier.PassAsync(body, arrived)
            : _carrier.TakeAsync(body, arrived);
    }

    private ValueTask<ExtProcEnd?> TakeTrailersAsync(long arrived)
    {
        _hasEnded = true;

        // Without a piece of a body nobody has said how one would come, but whoever waits for it learns that there is none.
        _carrier ??= exchange.Modes.Of(direction) == BodySendMode.FullDuplexStreamed
            ? new DuplexBody(exchange, this)
            : new StreamedBody(exchange, this);
        return _carrier.EndAsync(arrived);
    }

}
