using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Any event, by its type.</summary>
internal static class EventCodec
{
    internal static AgentEvent Read<TReader>(ref TReader r, MessageType type)
        where TReader : struct, IValueReader, allows ref struct
    {
        AgentEvent message = type switch
        {
            MessageType.RequestHeaders => RequestHeadersCodec.Read(ref r),
            MessageType.RequestBodyChunk => BodyChunkCodec.ReadRequest(ref r),
            MessageType.ResponseHeaders => ResponseHeadersCodec.Read(ref r),
            MessageType.ResponseBodyChunk => BodyChunkCodec.ReadResponse(ref r),
            MessageType.RequestComplete => RequestCompleteCodec.Read(ref r),
            MessageType.WebSocketFrame => WebSocketFrameCodec.Read(ref r),
            MessageType.GuardrailInspect => GuardrailInspectCodec.Read(ref r),
            MessageType.Configure => ConfigureCodec.Read(ref r),
            _ => throw new ProtocolException($"type 0x{(byte)type:X2} is no event; events are 0x10 to 0x17"),
        };
        r.End();
        return message;
    }

    internal static void Write<TWriter>(ref TWriter w, AgentEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        switch (message)
        {
            case RequestHeadersEvent requestHeaders:
                RequestHeadersCodec.Write(ref w, requestHeaders);
                break;
            case BodyChunkEvent chunk:
                BodyChunkCodec.Write(ref w, chunk);
                break;
            case ResponseHeadersEvent responseHeaders:
                ResponseHeadersCodec.Write(ref w, responseHeaders);
                break;
            case RequestCompleteEvent complete:
                RequestCompleteCodec.Write(ref w, complete);
                break;
            case WebSocketFrameEvent frame:
                WebSocketFrameCodec.Write(ref w, frame);
                break;
            case GuardrailInspectEvent inspect:
                GuardrailInspectCodec.Write(ref w, inspect);
                break;
            case ConfigureEvent configure:
                ConfigureCodec.Write(ref w, configure);
                break;
            default:
                throw new ArgumentException($"{message.GetType().Name} is no event of the protocol", nameof(message));
        }
    }
}
