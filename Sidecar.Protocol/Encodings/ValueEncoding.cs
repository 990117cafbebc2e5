using Sidecar.Protocol.Encodings.Codecs;

namespace Sidecar.Protocol.Encodings;

/// <summary>An encoding that is a reader and a writer of values: JSON (spec §4.1) and MessagePack (spec §4.2).</summary>
/// <remarks>Both parameters are value types, so that each encoding is compiled by itself.</remarks>
/// <param name="name">The encoding's name in a handshake.</param>
/// <param name="binaryBody">
/// Whether body chunks are written as raw bytes where the encoding can, for peers that advertise it (spec §4.4).
/// </param>
internal sealed class ValueEncoding<TReader, TWriter>(string name, bool binaryBody) : MessageEncoding
    where TReader : struct, IValueReader<TReader>, allows ref struct
    where TWriter : struct, IValueWriter<TWriter>, allows ref struct
{
    public override string Name => name;

    public override void WriteEvent(IBufferWriter<byte> output, AgentEvent message)
    {
        var w = TWriter.Create(output, binaryBody);
        Codec<TReader, TWriter>.WriteEvent(ref w, message);
        w.Flush();
    }

    public override AgentEvent ReadEvent(MessageType type, ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = TReader.Create(payload);
            var message = Codec<TReader, TWriter>.ReadEvent(ref r, type);
            r.End();
            return message;
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(type.ToString(), e);
        }
    }

    public override void WriteResponse(IBufferWriter<byte> output, CorrelationId correlationId, AgentResponse response)
    {
        var w = TWriter.Create(output, binaryBody);
        Codec<TReader, TWriter>.WriteAnswer(ref w, correlationId, response);
        w.Flush();
    }

    public override AgentAnswer ReadResponse(ReadOnlyMemory<byte> payload) =>
        Read(payload, nameof(AgentResponse), Codec<TReader, TWriter>.ReadAnswer);

    public override CorrelationId SalvageCorrelationId(ReadOnlyMemory<byte> payload)
    {
        var salvage = default(Codec<TReader, TWriter>.IdScanner);
        try
        {
            var r = TReader.Create(payload);
            salvage.Search(ref r);
        }
        catch (Exception e) when (e is ProtocolException || ProtocolErrors.IsBadInput(e))
        {
            // The rest is broken, as the caller knows; what was found before counts.
        }

        return salvage.Best;
    }

    public override void WriteHealth(IBufferWriter<byte> output, HealthStatus message) =>
        Write(output, message, Codec<TReader, TWriter>.WriteHealth);

    public override HealthStatus ReadHealth(ReadOnlyMemory<byte> payload) =>
        Read(payload, nameof(HealthStatus), Codec<TReader, TWriter>.ReadHealth);

    public override void WriteMetrics(IBufferWriter<byte> output, MetricsReport message) =>
        Write(output, message, Codec<TReader, TWriter>.Metrics.Write);

    public override MetricsReport ReadMetrics(ReadOnlyMemory<byte> payload) =>
        Read(payload, nameof(MetricsReport), Codec<TReader, TWriter>.Metrics.Read);

    public override void WriteConfigUpdate(IBufferWriter<byte> output, ConfigUpdateRequest message) =>
        Write(output, message, Codec<TReader, TWriter>.ConfigUpdate.Write);

    public override ConfigUpdateRequest ReadConfigUpdate(ReadOnlyMemory<byte> payload) =>
        Read(payload, nameof(ConfigUpdateRequest), Codec<TReader, TWriter>.ConfigUpdate.Read);

    public override void WriteFlowControl(IBufferWriter<byte> output, FlowControlSignal message) =>
        Write(output, message, Codec<TReader, TWriter>.WriteFlowControl);

    public override FlowControlSignal ReadFlowControl(ReadOnlyMemory<byte> payload) =>
        Read(payload, nameof(FlowControlSignal), Codec<TReader, TWriter>.ReadFlowControl);

    /// <summary>Reads a whole payload; whatever is wrong with its bytes is a <see cref="ProtocolException"/>.</summary>
    internal static T Read<T>(ReadOnlyMemory<byte> payload, string message, ReadValue<TReader, T> read)
    {
        try
        {
            var r = TReader.Create(payload);
            var value = read(ref r);
            r.End();
            return value;
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(message, e);
        }
    }

    internal static void Write<T>(IBufferWriter<byte> output, T message, WriteValue<TWriter, T> write)
    {
        var w = TWriter.Create(output, binaryBody: false);
        write(ref w, message);
        w.Flush();
    }
}
