using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Configuration, flow control, cancels and log lines (spec §6, §7.3).</summary>
internal static class ControlMapping
{
    /// <summary>
    /// The id of a configuration: it has no field for one. Our agents answer under this name, so that ours can learn of a refusal; other
    /// proxies drop such an answer as one for nobody.
    /// </summary>
    public static readonly CorrelationId ConfigureId = CorrelationId.Parse("configure");

    /// <summary>
    /// A configuration as it is sent; one without a value is <c>null</c>, because agents end the stream over text that is no JSON.
    /// </summary>
    public static Wire.ConfigureEvent ToWire(ConfigureEvent e) => Optional.Set(
        new Wire.ConfigureEvent { ConfigJson = JsonText.Of(e.Config), IsInitial = e.IsInitial },
        e.ConfigVersion,
        static (to, value) => to.ConfigVersion = value);

    /// <summary>A configuration as it was meant.</summary>
    /// <exception cref="System.Text.Json.JsonException">It is not JSON.</exception>
    /// <exception cref="ProtocolException">It is empty, which is no JSON either and must not pass for an accepted one.</exception>
    public static ConfigureEvent FromWire(Wire.ConfigureEvent wire) => new()
    {
        CorrelationId = ConfigureId,
        Config = wire.ConfigJson.Length > 0
            ? JsonText.Parse(wire.ConfigJson)
            : throw new ProtocolException("config_json is empty; it must be JSON, 'null' for no configuration"),
        ConfigVersion = wire.HasConfigVersion ? wire.ConfigVersion : null,
        IsInitial = wire.IsInitial,
    };

    public static Wire.FlowControlSignal ToWire(FlowControlSignal signal)
    {
        var wire = new Wire.FlowControlSignal { Action = (int)signal.Action, TimestampMs = signal.TimestampMs };
        Optional.Set(wire, TextOf(signal.CorrelationId), static (to, id) => to.CorrelationId = id);
        return Optional.Set(wire, signal.BufferAvailable, static (to, value) => to.BufferAvailable = value);
    }

    /// <summary>A flow control signal as it was meant; an action that nobody knows is normal operation.</summary>
    public static FlowControlSignal FromWire(Wire.FlowControlSignal wire) => new()
    {
        Action = wire.Action is >= (int)FlowAction.Pause and <= (int)FlowAction.UpdateCapacity
            ? (FlowAction)wire.Action
            : FlowAction.Normal,
        CorrelationId = wire.HasCorrelationId ? CorrelationId.Parse(wire.CorrelationId) : default,
        BufferAvailable = wire.HasBufferAvailable ? wire.BufferAvailable : null,
        TimestampMs = wire.TimestampMs,
    };

    /// <summary>A cancel as it is sent: its reasons count from 1 here (spec §6.6).</summary>
    public static Wire.CancelRequest ToWire(CancelRequest cancel) => new()
    {
        CorrelationId = cancel.CorrelationId.ToString(),
        Reason = (int)cancel.Reason + 1,
        TimestampMs = cancel.TimestampMs,
    };

    /// <summary>A cancel as it was meant; a reason that nobody knows is manual.</summary>
    public static CancelRequest FromWire(Wire.CancelRequest wire) => new(
        CorrelationId.Parse(wire.CorrelationId),
        wire.Reason is >= 1 and <= (int)CancelReason.Manual + 1 ? (CancelReason)(wire.Reason - 1) : CancelReason.Manual,
        wire.TimestampMs);

    public static Wire.LogMessage ToWire(AgentLogMessage message) => Optional.Set(
        new Wire.LogMessage
        {
            Level = (int)message.Level,
            Message = message.Message,
            TimestampMs = message.TimestampMs,
            Fields = { message.Fields.ToDictionary(StringComparer.Ordinal) },
        },
        TextOf(message.CorrelationId),
        static (to, id) => to.CorrelationId = id);

    /// <summary>A log line as it was meant; a level that nobody knows is none.</summary>
    public static AgentLogMessage FromWire(Wire.LogMessage wire) => new()
    {
        Level = wire.Level is >= (int)AgentLogLevel.Debug and <= (int)AgentLogLevel.Error
            ? (AgentLogLevel)wire.Level
            : AgentLogLevel.Unspecified,
        Message = wire.Message,
        CorrelationId = wire.HasCorrelationId ? CorrelationId.Parse(wire.CorrelationId) : default,
        Fields = Optional.TextMap(wire.Fields),
        TimestampMs = wire.TimestampMs,
    };

    private static string? TextOf(CorrelationId id) => id.IsEmpty ? null : id.ToString();
}
