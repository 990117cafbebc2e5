using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Json;

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

    /// <summary>Whether a question about the request is not answered yet.</summary>
    public bool IsRequestOpen => Volatile.Read(ref _requestQuestions) > 0;

    /// <summary>The body of a direction.</summary>
    public JsonBody BodyOf(Direction direction) => direction == Direction.Request ? _request : _response;

    /// <summary>A question begins; every call is paired with <see cref="Leave"/>.</summary>
    public void Enter(Question question)
    {
        _announcesEnd |= question.AnnouncesEnd;
        if (!question.Phase.IsOfResponse())
        {
            Interlocked.Increment(ref _requestQuestions);
        }
    }

    /// <summary>A question is answered.</summary>
    public void Leave(Question question)
    {
        if (!question.Phase.IsOfResponse())
        {
            Interlocked.Decrement(ref _requestQuestions);
        }
    }

    /// <summary>True for the one question that shows the agents the response's headers.</summary>
    public bool TryTakeResponseHeaders() => Interlocked.Exchange(ref _responseHeaders, 1) == 0;
}
