using System.Buffers;
using Sidecar.Protocol.Encodings.Codecs;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings;

/// <summary>Messages as JSON (spec §4.1).</summary>
internal sealed class JsonEncoding : MessageEncoding
{
    /// <inheritdoc/>
    public override string Name => ProtocolConstants.Json;

    /// <inheritdoc/>
    public override void WriteEvent(IBufferWriter<byte> output, AgentEvent message)
    {
        var w = new JsonValueWriter(output);
        EventCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override AgentEvent ReadEvent(MessageType type, ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
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
        var w = new JsonValueWriter(output);
        AgentResponseCodec.Write(ref w, correlationId, response);
        w.Flush();
    }

    /// <inheritdoc/>
    public override AgentAnswer ReadResponse(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
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
            var r = new JsonValueReader(payload.Span);
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
        var w = new JsonValueWriter(output);
        HealthCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override HealthStatus ReadHealth(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
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
        var w = new JsonValueWriter(output);
        MetricsCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override MetricsReport ReadMetrics(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
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
        var w = new JsonValueWriter(output);
        ConfigUpdateCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override ConfigUpdateRequest ReadConfigUpdate(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
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
        var w = new JsonValueWriter(output);
        FlowControlCodec.Write(ref w, message);
        w.Flush();
    }

    /// <inheritdoc/>
    public override FlowControlSignal ReadFlowControl(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var r = new JsonValueReader(payload.Span);
            return FlowControlCodec.Read(ref r);
        }
        catch (Exception e) when (ProtocolErrors.IsBadInput(e))
        {
            throw ProtocolErrors.Undecodable(nameof(FlowControlSignal), e);
        }
    }
}
