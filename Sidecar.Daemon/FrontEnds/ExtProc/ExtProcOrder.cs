using System.Runtime.InteropServices;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using Part = Sidecar.Protocol.Envoy.ProcessingRequest.RequestOneofCase;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// The order in which the messages of a stream may come: per direction headers, body, trailers; the request's headers before everything
/// else. For one reader.
/// </summary>
/// <remarks>
/// Trailers after the last of a body are right where it was buffered (Envoy ends the buffer and sends the trailers all the same); the
/// carrier of a streamed body knows better.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct ExtProcOrder
{
    private Phase _request;
    private Phase _response;

    // How far a direction has come.
    private enum Phase
    {
        Nothing,
        Open,
        BodyEnded,
        Closed,
    }

    /// <summary>Which half of the exchange a part belongs to.</summary>
    public static Direction DirectionOf(Part part) =>
        part is Part.ResponseHeaders or Part.ResponseBody or Part.ResponseTrailers ? Direction.Response : Direction.Request;

    /// <summary>Notes a message; null when it may come now, else what is wrong with it.</summary>
    public ExtProcEnd? Next(ProcessingRequest message)
    {
        var part = message.RequestCase;
        ref var phase = ref DirectionOf(part) == Direction.Request ? ref _request : ref _response;
        switch (part)
        {
            case Part.None:
                return new ExtProcEnd("a message holds no headers, body or trailers; it may come from a newer Envoy");

            case Part.RequestHeaders or Part.ResponseHeaders when phase != Phase.Nothing:
                return new ExtProcEnd($"{part} came a second time");

            case not Part.RequestHeaders when _request == Phase.Nothing:
                return new ExtProcEnd($"{part} came before the request's headers; the filter's request_header_mode must be SEND");

            case Part.RequestHeaders or Part.ResponseHeaders:
                phase = (message.RequestHeaders ?? message.ResponseHeaders).EndOfStream ? Phase.Closed : Phase.Open;
                return null;

            case Part.ResponseBody or Part.ResponseTrailers when phase == Phase.Nothing:
                return new ExtProcEnd(
                    $"{part} came before the response's headers; the filter's response_header_mode must be SEND where bodies are sent");

            case Part.RequestBody or Part.ResponseBody when phase != Phase.Open:
                return new ExtProcEnd($"{part} came after the end of its direction");

            case Part.RequestBody or Part.ResponseBody:
                phase = IsLast(message.RequestBody ?? message.ResponseBody) ? Phase.BodyEnded : Phase.Open;
                return null;

            case var _ when phase == Phase.Closed:
                return new ExtProcEnd($"{part} came after the end of its direction");

            default:
                phase = Phase.Closed;
                return null;
        }
    }

    /// <summary>Whether a body ends with this message.</summary>
    public static bool IsLast(HttpBody body) => body.EndOfStream || body.EndOfStreamWithoutMessage;
}

/// <summary>How our side of an ext_proc stream ends.</summary>
/// <param name="Detail">For the log: what was wrong and what to do.</param>
/// <param name="IsBroken">
/// Whether the stream cannot go on, and somebody is there to be told. The client has had a reply by then: an error of the stream would let
/// the request pass where the filter fails open.
/// </param>
internal sealed record ExtProcEnd(string Detail, bool IsBroken = true)
{
    /// <summary>Everything is answered, or the last answer ended the exchange.</summary>
    public static ExtProcEnd Done { get; } = new("", IsBroken: false);

    /// <summary>The peer is gone; there is nobody to tell.</summary>
    public static ExtProcEnd Gone { get; } = new("the stream was reset", IsBroken: false);
}
