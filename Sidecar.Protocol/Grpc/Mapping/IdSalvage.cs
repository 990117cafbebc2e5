using Google.Protobuf;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Grpc.Mapping;

/// <summary>Finds the correlation id of a payload that is broken elsewhere.</summary>
internal static class IdSalvage
{
    // It is field 1 of whatever the oneof holds; only request headers have it one level deeper, in their metadata.
    private const int IdField = 1;
    private const int RequestHeadersField = 2;
    private const int ConfigureField = 10;

    /// <summary>The id, or the empty one when there is none to be found. Never throws.</summary>
    public static CorrelationId Find(ReadOnlySpan<byte> payload, bool isEvent)
    {
        try
        {
            var input = new CodedInputStream(payload.ToArray());
            while (input.ReadTag() is not 0 and var tag)
            {
                if (WireFormat.GetTagWireType(tag) != WireFormat.WireType.LengthDelimited)
                {
                    input.SkipLastField();
                    continue;
                }

                var field = WireFormat.GetTagFieldNumber(tag);
                var inner = FirstText(input.ReadBytes(), IdField);
                if (isEvent && field == RequestHeadersField)
                {
                    inner = FirstText(inner, IdField);
                }

                return isEvent && field == ConfigureField ? ControlMapping.ConfigureId : CorrelationId.Parse(inner.Span);
            }
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidOperationException)
        {
            // The rest is broken, as the caller knows.
        }

        return default;
    }

    private static ByteString FirstText(ByteString message, int field)
    {
        var input = message.CreateCodedInput();
        while (input.ReadTag() is not 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                return input.ReadBytes();
            }

            input.SkipLastField();
        }

        return ByteString.Empty;
    }
}
