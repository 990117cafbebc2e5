using System.Buffers;
using Sidecar.Protocol.Encodings.Codecs;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings;

/// <summary>Messages as MessagePack (spec §4.2).</summary>
/// <param name="binaryBody">Whether body chunks are written as raw bytes, for peers that advertise it (spec §4.4).</param>
internal sealed class MessagePackEncoding(bool binaryBody) : MessageEncoding
{
    /// <inheritdoc/>
    public override string Name => ProtocolConstants.MessagePack;

    /// <inheritdoc/>
    public override void WriteEvent(IBufferWriter<byte> output, AgentEvent message)
    {
        var w = new MessagePackValueWriter(output, binaryBody);
        EventCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override AgentEvent ReadEvent(MessageType type, ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new MessagePackValueReader(payload);
            return EventCodec.Read(ref r, type);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(type.ToString(), e);
        }
    }

    /// <inheritdoc/>
    public override void WriteResponse(IBufferWriter<byte> output, CorrelationId correlationId, AgentResponse response)
    {
        var w = new MessagePackValueWriter(output, binaryBody);
        AgentResponseCodec.Write(ref w, correlationId, response);
        w.Flush();
    }

    /// <inheritdoc/>
    public override AgentAnswer ReadResponse(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new MessagePackValueReader(payload);
            return AgentResponseCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(AgentResponse), e);
        }
    }

    /// <inheritdoc/>
    public override CorrelationId SalvageCorrelationId(ReadOnlyMemory<byte> payload)
    {
        var salvage = default(CorrelationSalvage);
        try
        {
            var r = new MessagePackValueReader(payload);
            salvage.Search(ref r);
        }
        catch (Exception e) when (e is ProtocolException || ProtocolErrors.IsBadInput(e))
        {
            // The rest is broken, as the caller knows; what was found before counts.
        }

        return salvage.Best;
    }

    /// <inheritdoc/>
    public override void WriteHealth(IBufferWriter<byte> output, HealthStatus message)
    {
        var w = new MessagePackValueWriter(output, binaryBody);
        HealthCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override HealthStatus ReadHealth(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new MessagePackValueReader(payload);
            return HealthCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(HealthStatus), e);
        }
    }

    /// <inheritdoc/>
    public override void WriteMetrics(IBufferWriter<byte> output, MetricsReport message)
    {
        var w = new MessagePackValueWriter(output, binaryBody);
        MetricsCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override MetricsReport ReadMetrics(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new MessagePackValueReader(payload);
            return MetricsCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(MetricsReport), e);
        }
    }

    /// <inheritdoc/>
    public override void WriteConfigUpdate(IBufferWriter<byte> output, ConfigUpdateRequest message)
    {
        var w = new MessagePackValueWriter(output, binaryBody);
        ConfigUpdateCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override ConfigUpdateRequest ReadConfigUpdate(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new MessagePackValueReader(payload);
            return ConfigUpdateCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(ConfigUpdateRequest), e);
        }
    }

    /// <inheritdoc/>
    public override void WriteFlowControl(IBufferWriter<byte> output, FlowControlSignal message)
    {
        var w = new MessagePackValueWriter(output, binaryBody);
        FlowControlCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override FlowControlSignal ReadFlowControl(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new MessagePackValueReader(payload);
            return FlowControlCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(FlowControlSignal), e);
        }
    }
}
