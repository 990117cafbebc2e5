using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>An exchange that scripts ask about, with what is kept between its questions.</summary>
internal sealed class JsonExchange(Exchange exchange, ByteBudget memory) : JoinedExchange(exchange)
{
    private readonly JsonBody _request = new(exchange, Direction.Request, memory);
    private readonly JsonBody _response = new(exchange, Direction.Response, memory);
    private int _requestQuestions;
    private int _responseHeaders;
    private volatile bool _announcesEnd;

    /// <summary>Whether the caller will tell how it ended.</summary>
    public bool AnnouncesEnd => _announcesEnd;

    /// <summary>Whether no agent wants more of it; it may stay for the end that its caller announces.</summary>
    public bool IsOver { get; set; }

    /// <summary>Whether a question about the request is not answered yet.</summary>
    public bool IsRequestOpen => Volatile.Read(ref _requestQuestions) > 0;

    /// <summary>The body of a direction.</summary>
    public JsonBody BodyOf(Direction direction) => direction == Direction.Request ? _request : _response;

    /// <summary>A question begins; every call is paired with <see cref="Leave"/>.</summary>
    public void Enter(DecideRequest question)
    {
        _announcesEnd |= question.AnnouncesEnd;
        if (!question.IsOfResponse)
        {
            Interlocked.Increment(ref _requestQuestions);
        }
    }

    /// <summary>A question is answered.</summary>
    public void Leave(DecideRequest question)
    {
        if (!question.IsOfResponse)
        {
            Interlocked.Decrement(ref _requestQuestions);
        }
    }

    /// <summary>True for the one question that shows the agents the response's headers.</summary>
    public bool TryTakeResponseHeaders() => Interlocked.Exchange(ref _responseHeaders, 1) == 0;
}

/// <summary>
/// The body of one direction between the questions about its parts: which part comes next, and what the caller is told to do with the
/// bytes.
/// </summary>
/// <remarks>
/// An answer says either nothing (exactly the bytes of its own question go on) or which bytes go on in their place, possibly none. A caller
/// that keeps all parts is told only with the last one: nothing when the whole body goes on as it came, else the whole body in its new
/// form. Parts are taken one at a time; safe from any thread.
/// </remarks>
internal sealed class JsonBody(Exchange exchange, Direction direction, ByteBudget memory)
{
    private const int Over = -1;

    private readonly Lock _lock = new();
    private int _next;
    private bool _isKept;

    /// <summary>
    /// Takes the turn of a part; what is wrong with it, or null when it is the one that comes next. A hole is never resumed (rule 6).
    /// </summary>
    public string? Take(DecideBody part)
    {
        lock (_lock)
        {
            if (_next == Over)
            {
                return "its last part was told already";
            }

            if (part.Part != _next)
            {
                return $"part {part.Part} comes where part {_next} is expected";
            }

            _isKept = _next == 0 ? part.IsKept : _isKept;
            _next = part.End == BodyEnd.More ? _next + 1 : Over;
            return null;
        }
    }

    /// <summary>What goes on in place of a part's bytes; null when they do themselves.</summary>
    /// <param name="step">What came of the part; not a refusal.</param>
    /// <param name="end">Where the part stood.</param>
    /// <param name="release">The bytes.</param>
    /// <returns>False when there is no memory to keep what must be told later.</returns>
    public bool TryRelease(in BodyStep step, BodyEnd end, out ReadOnlyMemory<byte>? release)
    {
        release = null;
        if (!_isKept && step.IsUnchanged)
        {
            return true;
        }

        if (!_isKept)
        {
            release = step.Joined();
        }
        else if (end == BodyEnd.More)
        {
            return exchange.Bodies.TryKeep(direction, step.Release, memory);
        }
        else if (step.Progress.IsPristine && step.Progress.Released == step.Progress.Pushed)
        {
            exchange.Bodies.DropKept(direction);
        }
        else
        {
            release = exchange.Bodies.TakeKept(direction, step.Release);
        }

        return true;
    }
}
