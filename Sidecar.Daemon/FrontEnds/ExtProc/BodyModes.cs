using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using HeaderSendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.HeaderSendMode;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// How Envoy sends the bodies of one exchange: as configured, as told in the first message, or as we asked for (proxy integration §3.5.10).
/// </summary>
/// <remarks>
/// Releases before <c>protocol_config</c> tell nothing. Then the operator's word counts, and without it the first piece decides, so that
/// nothing can pass by a wrong guess: one that is the last is a buffered body; one that is not is taken for the beginning of a body whose
/// rest nobody will see (buffered partial), so agents apply their excess action. Pieces that follow all the same are an error. Where Envoy
/// only observes it never tells, and sends bodies piece by piece or not at all.
/// </remarks>
internal sealed class BodyModes
{
    // Envoy's own default.
    private const long UsualBuffer = 1024 * 1024;

    private readonly ExtProcFilter _filter;
    private readonly BodySendMode?[] _configured;
    private readonly BodySendMode?[] _asked = new BodySendMode?[2];

    // Nobody tells how it is configured, so where it matters it is always asked for.
    private HeaderSendMode? _responseHeaders;

    /// <summary>The modes of an exchange.</summary>
    /// <param name="told">From the first message; null when Envoy does not tell.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="isObserving">Whether Envoy reads no answers.</param>
    public BodyModes(ProtocolConfiguration? told, ExtProcFilter filter, bool isObserving)
    {
        _filter = filter;
        var options = filter.Options;
        BodySendMode? untold = isObserving ? BodySendMode.Streamed : null;
        _configured = told is null
            ? [options.RequestBodyMode ?? untold, options.ResponseBodyMode ?? untold]
            : [told.RequestBodyMode, told.ResponseBodyMode];
        TakesOverrides = filter.TakesOverrides && !isObserving && told is not { SendBodyWithoutWaitingForHeaderResponse: true }
            && !Array.Exists(_configured, static mode => mode == BodySendMode.FullDuplexStreamed);
        SendsBodiesEarly = told is { SendBodyWithoutWaitingForHeaderResponse: true };
    }

    /// <summary>Whether other modes can be asked for.</summary>
    public bool TakesOverrides { get; }

    /// <summary>
    /// The longest body that can be asked for as a whole, in bytes. Beyond its buffer Envoy neither sends nor refuses one that it buffers
    /// by an override.
    /// </summary>
    public long Holdable =>
        _filter.Options.WholeBodies == BodySendMode.Buffered ? _filter.Options.BufferLimit ?? UsualBuffer : long.MaxValue;

    /// <summary>Whether bodies do not wait for the answer about their headers.</summary>
    public bool SendsBodiesEarly { get; }

    /// <summary>What is wrong with the modes; null when they can be served.</summary>
    public ExtProcEnd? Problem =>
        Array.Find(_configured, static mode => mode is { } told && (told == BodySendMode.Grpc || !Enum.IsDefined(told))) is { } mode
        ? new ExtProcEnd($"the filter sends bodies in mode {mode}, which is not spoken here; NONE to FULL_DUPLEX_STREAMED are")
        : null;

    /// <summary>How a body comes; null when nobody knows.</summary>
    public BodySendMode? Of(Direction direction) => _asked[(int)direction] ?? _configured[(int)direction];

    /// <summary>Whether a body may come, as configured or as it can be asked for.</summary>
    public bool MayBring(Direction direction) => TakesOverrides || Of(direction) != BodySendMode.None;

    /// <summary>Whether a body comes only because it was asked for; when it does not, the filter does not hear.</summary>
    public bool IsAskedFor(Direction direction) =>
        _asked[(int)direction] is not (null or BodySendMode.None) && _configured[(int)direction] is null or BodySendMode.None;

    /// <summary>Whether a body comes in another way than it was asked for.</summary>
    public bool IsUnheard(Direction direction) => _asked[(int)direction] is { } asked && asked != _configured[(int)direction];

    /// <summary>A piece of a body is here.</summary>
    public void NoteBody(Direction direction)
    {
        if (IsAskedFor(direction) && !_filter.IsHeard)
        {
            _filter.NoteHeard();
        }
    }

    /// <summary>How a body comes, now that its first piece is here; none when it should not have come.</summary>
    /// <param name="direction">Whose body.</param>
    /// <param name="isLast">Whether the piece is the last.</param>
    public BodySendMode OfFirst(Direction direction, bool isLast)
    {
        // Asked for none and got one: what we asked for was not heard.
        var mode = Of(direction) == BodySendMode.None ? _configured[(int)direction] : Of(direction);
        return mode ?? (isLast ? BodySendMode.Buffered : BodySendMode.BufferedPartial);
    }

    /// <summary>What to ask for in the answer about the request's headers; null when Envoy does so already or takes no wishes.</summary>
    /// <param name="wanted">What the agents want.</param>
    /// <param name="hasBody">Whether a request body follows that agents should see.</param>
    /// <param name="needsResponse">Whether the response's headers are needed even if no agent wants them.</param>
    /// <param name="isUpgrade">Whether the exchange may leave HTTP: bodies are then asked for when it did not.</param>
    public ProcessingMode? AskAtRequest(WantedEvents wanted, bool hasBody, bool needsResponse, bool isUpgrade)
    {
        var request = hasBody && !isUpgrade ? ModeFor(wanted.RequestBody.Need) : BodySendMode.None;
        var response = isUpgrade ? BodySendMode.None : ModeFor(wanted.ResponseBody.Need);
        var headers = needsResponse || wanted.ResponseHeaders || wanted.RequestBody.Need != BodyNeed.None || isUpgrade
            ? HeaderSendMode.Send
            : HeaderSendMode.Skip;
        var isSame = (!hasBody || request == Of(Direction.Request)) && response == Of(Direction.Response) && headers == _responseHeaders;
        return TakesOverrides && !isSame ? Ask(request, response, headers) : null;
    }

    /// <summary>What to ask for in the answer about the response's headers; null when there is nothing to ask.</summary>
    /// <param name="wanted">What the agents want.</param>
    /// <param name="hasBody">Whether a body follows that agents should see.</param>
    public ProcessingMode? AskAtResponse(WantedEvents wanted, bool hasBody)
    {
        // A wish sets both directions, so the request's mode must be known to be repeated.
        var response = ModeFor(wanted.ResponseBody.Need);
        return TakesOverrides && hasBody && Of(Direction.Request) is { } request && response != Of(Direction.Response)
            ? Ask(request, response, _responseHeaders ?? HeaderSendMode.Send)
            : null;
    }

    private BodySendMode ModeFor(BodyNeed need) => need switch
    {
        BodyNeed.None => BodySendMode.None,
        BodyNeed.Stream => BodySendMode.Streamed,
        _ => _filter.Options.WholeBodies,
    };

    private ProcessingMode Ask(BodySendMode request, BodySendMode response, HeaderSendMode headers)
    {
        (_asked[(int)Direction.Request], _asked[(int)Direction.Response], _responseHeaders) = (request, response, headers);
        return new ProcessingMode
        {
            RequestHeaderMode = HeaderSendMode.Send,
            ResponseHeaderMode = headers,
            RequestBodyMode = request,
            ResponseBodyMode = response,
            RequestTrailerMode = TrailersFor(request),
            ResponseTrailerMode = TrailersFor(response),
        };
    }

    // Without its trailers nobody tells where a streamed body with trailers ends.
    private static HeaderSendMode TrailersFor(BodySendMode mode) =>
        mode is BodySendMode.Streamed or BodySendMode.FullDuplexStreamed ? HeaderSendMode.Send : HeaderSendMode.Skip;
}
