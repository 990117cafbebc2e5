using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>The order in which the messages of a stream may come: per direction headers, body, trailers; the request's headers before everything else. For one reader.</summary>
/// <remarks>Trailers after the last of a body are right where it was buffered (Envoy ends the buffer and sends the trailers all the same); the carrier of a streamed body knows better.</remarks>
internal sealed class ExtProcOrder
{
    private readonly Phase[] _phases = new Phase[2];

    // How far a direction has come.
    private enum Phase
    {
        Nothing,
        Open,
        BodyEnded,
        Closed,
    }

    /// <summary>Which half of the exchange a part belongs to.</summary>
    public static Direction DirectionOf(Part part) => part is Part.ResponseHeaders or Part.ResponseBody or Part.ResponseTrailers ? Direction.Response : Direction.Request;

    /// <summary>Notes a message; null when it may come now, else what is wrong with it.</summary>
    public ExtProcEnd? Next(ProcessingRequest message)
    {
        var part = message.RequestCase;
        var direction = DirectionOf(part);
        ref var phase = ref _phases[(int)direction];
        switch (part)
        {
            case Part.None:
                return new ExtProcEnd(ExtProcProblem.UnknownMessage, "a message holds no headers, body or trailers; it may come from a newer Envoy");

            case Part.RequestHeaders or Part.ResponseHeaders when phase != Phase.Nothing:
                return ExtProcEnd.Spurious($"{part} came a second time");

            case not Part.RequestHeaders when _phases[(int)Direction.Request] == Phase.Nothing:
                return ExtProcEnd.Spurious($"{part} came before the request's headers; the filter's request_header_mode must be SEND");

            case Part.RequestHeaders or Part.ResponseHeaders:
                var headers = direction == Direction.Request ? message.RequestHeaders : message.ResponseHeaders;
                phase = headers.EndOfStream ? Phase.Closed : Phase.Open;
                return null;

            case Part.ResponseBody or Part.ResponseTrailers when phase == Phase.Nothing:
                return ExtProcEnd.Spurious($"{part} came before the response's headers; the filter's response_header_mode must be SEND where bodies are sent");

            case Part.RequestBody or Part.ResponseBody when phase != Phase.Open:
                return ExtProcEnd.Spurious($"{part} came after the end of its direction");

            case Part.RequestBody or Part.ResponseBody:
                phase = IsLast(direction == Direction.Request ? message.RequestBody : message.ResponseBody) ? Phase.BodyEnded : Phase.Open;
                return null;

            case var _ when phase == Phase.Closed:
                return ExtProcEnd.Spurious($"{part} came after the end of its direction");

            default:
                phase = Phase.Closed;
                return null;
        }
    }

    /// <summary>Whether a body ends with this message.</summary>
    public static bool IsLast(HttpBody body) => body.EndOfStream || body.EndOfStreamWithoutMessage;
}
