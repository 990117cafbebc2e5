namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Finds the correlation id of a payload that is broken elsewhere.</summary>
internal static class ProtobufIdScanner
{
    // It is field 1 of whatever the oneof holds; only request headers have it one level deeper, in their metadata.
    private const int IdField = 1;
    private const int RequestHeadersField = 2;
    private const int ConfigureField = 10;

    /// <summary>The id, or the empty one when there is none to be found. Never throws.</summary>
    public static CorrelationId Find(ReadOnlyMemory<byte> payload, bool isEvent)
    {
        var (field, inner) = FirstText(payload, field: null);
        if (isEvent && field == ConfigureField)
        {
            return ControlMapping.ConfigureId;
        }

        var id = FirstText(inner, IdField).Text;
        return CorrelationId.Parse((isEvent && field == RequestHeadersField ? FirstText(id, IdField).Text : id).Span);
    }

    // The first text or message: of any field, or of one. What stands before a broken place is found.
    private static (int Field, ReadOnlyMemory<byte> Text) FirstText(ReadOnlyMemory<byte> message, int? field)
    {
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(message));
        while (!reader.End && WireField.TryRead(ref reader, message.Length, out var number, out var length))
        {
            if (length >= 0 && (field ?? number) == number)
            {
                return (number, message.Slice((int)reader.Consumed, (int)length));
            }

            reader.Advance(Math.Max(0, length));
        }

        return default;
    }
}
