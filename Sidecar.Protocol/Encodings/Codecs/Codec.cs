using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>
/// How every message is read and written, the same for JSON and MessagePack. What comes seldom is a <see cref="Shape{T}"/>.
/// </summary>
/// <remarks>Both parameters are value types, so that each encoding is compiled by itself and nothing is boxed.</remarks>
internal static partial class Codec<TReader, TWriter>
    where TReader : struct, IValueReader<TReader>, allows ref struct
    where TWriter : struct, IValueWriter<TWriter>, allows ref struct
{
    internal static AgentEvent ReadEvent(ref TReader r, MessageType type) => type switch
    {
        MessageType.RequestHeaders => ReadRequestHeaders(ref r),
        MessageType.RequestBodyChunk => ReadBodyChunk(ref r, RequestBodyChunk),
        MessageType.ResponseHeaders => ReadResponseHeaders(ref r),
        MessageType.ResponseBodyChunk => ReadBodyChunk(ref r, ResponseBodyChunk),
        MessageType.RequestComplete => ReadRequestComplete(ref r),
        MessageType.WebSocketFrame => ReadWebSocketFrame(ref r),
        MessageType.GuardrailInspect => GuardrailInspect.Read(ref r),
        MessageType.Configure => Configure.Read(ref r),
        _ => throw new ProtocolException($"type 0x{(byte)type:X2} is no event; events are 0x10 to 0x17"),
    };

    internal static void WriteEvent(ref TWriter w, AgentEvent message)
    {
        switch (message)
        {
            case RequestHeadersEvent requestHeaders:
                WriteRequestHeaders(ref w, requestHeaders);
                break;
            case BodyChunkEvent chunk:
                WriteBodyChunk(ref w, chunk);
                break;
            case ResponseHeadersEvent responseHeaders:
                WriteResponseHeaders(ref w, responseHeaders);
                break;
            case RequestCompleteEvent complete:
                WriteRequestComplete(ref w, complete);
                break;
            case WebSocketFrameEvent frame:
                WriteWebSocketFrame(ref w, frame);
                break;
            case GuardrailInspectEvent inspect:
                GuardrailInspect.Write(ref w, inspect);
                break;
            case ConfigureEvent configure:
                Configure.Write(ref w, configure);
                break;
            default:
                throw new ArgumentException($"{message.GetType().Name} is no event of the protocol", nameof(message));
        }
    }

    // True, so that one switch expression can read all members of a struct.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Set<T>([NotNullIfNotNull(nameof(value))] out T target, T value)
    {
        target = value;
        return true;
    }
}
