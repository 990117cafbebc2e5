using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>The messages that open a stream (spec §7.2, §7.3). No encoding is negotiated.</summary>
internal static class HandshakeMapping
{
    // What the reference says where nothing else is said (spec §3.2).
    private const uint ReportIntervalMs = 10_000;

    /// <summary>The opening message as it is sent; without a configuration it carries an empty object, as the reference's does.</summary>
    public static Wire.HandshakeRequest ToWire(HandshakeRequest request) => new()
    {
        ProxyId = request.ProxyId,
        ProxyVersion = request.ProxyVersion,
        ConfigJson = request.Config is null ? "{}" : JsonText.Of(request.Config),
        SupportedVersions = { request.SupportedVersions },
    };

    /// <summary>The opening message as it was meant.</summary>
    /// <exception cref="System.Text.Json.JsonException">The configuration is not JSON.</exception>
    public static HandshakeRequest FromWire(Wire.HandshakeRequest wire) => new()
    {
        SupportedVersions = [.. wire.SupportedVersions],
        ProxyId = wire.ProxyId,
        ProxyVersion = wire.ProxyVersion,
        Config = JsonText.Parse(wire.ConfigJson),
    };

    public static Wire.HandshakeResponse ToWire(HandshakeResponse response) => Optional.Set(
        new Wire.HandshakeResponse
        {
            ProtocolVersion = response.ProtocolVersion,
            Success = response.Success,
            Capabilities = ToWire(response.Capabilities, response.ProtocolVersion),
        },
        response.Error,
        static (to, value) => to.Error = value);

    /// <summary>The answer as it was meant. Members that are missing have the protocol's defaults (spec §3.2).</summary>
    public static HandshakeResponse FromWire(Wire.HandshakeResponse wire) => new()
    {
        ProtocolVersion = wire.ProtocolVersion,
        Success = wire.Success,
        Error = wire.HasError ? wire.Error : null,
        Capabilities = wire.Capabilities is { } capabilities ? FromWire(capabilities) : new AgentCapabilities(),
        Encoding = ProtobufEncoding.OfProxy.Name,
    };

    private static Wire.AgentCapabilities ToWire(AgentCapabilities capabilities, uint version) => new()
    {
        ProtocolVersion = version,
        AgentId = capabilities.AgentId,
        Name = capabilities.Name,
        Version = capabilities.Version,
        SupportedEvents = { EventKinds.In(capabilities.SupportedEvents).Select(static kind => (int)kind) },
        Features = ToWire(capabilities.Features),
        Limits = new Wire.AgentLimits
        {
            MaxBodySize = capabilities.Limits.MaxBodySize,
            MaxConcurrency = capabilities.Limits.MaxConcurrency,
            PreferredChunkSize = capabilities.Limits.PreferredChunkSize,
        },
        HealthConfig = new Wire.HealthConfig { ReportIntervalMs = ReportIntervalMs, IncludeLoadMetrics = true },
    };

    private static Wire.AgentFeatures ToWire(AgentFeatures features) => new()
    {
        StreamingBody = features.StreamingBody,
        Websocket = features.WebSocket,
        Guardrails = features.Guardrails,
        ConfigPush = features.ConfigPush,
        MetricsExport = features.MetricsExport,
        ConcurrentRequests = features.ConcurrentRequests,
        Cancellation = features.Cancellation,
        FlowControl = features.FlowControl,
        HealthReporting = features.HealthReporting,
    };

    private static AgentCapabilities FromWire(Wire.AgentCapabilities wire) => new()
    {
        AgentId = wire.AgentId,
        Name = wire.Name,
        Version = wire.Version,
        SupportedEvents = wire.SupportedEvents.Aggregate(EventSet.None, static (all, number) => all | EventKinds.OfNumber(number).AsSet()),
        Features = wire.Features is { } features ? FromWire(features) : new AgentFeatures(),
        Limits = wire.Limits is not { } limits ? new AgentLimits() : new AgentLimits
        {
            MaxBodySize = limits.MaxBodySize,
            MaxConcurrency = limits.MaxConcurrency,
            PreferredChunkSize = limits.PreferredChunkSize,
        },
    };

    private static AgentFeatures FromWire(Wire.AgentFeatures features) => new()
    {
        StreamingBody = features.StreamingBody,
        WebSocket = features.Websocket,
        Guardrails = features.Guardrails,
        ConfigPush = features.ConfigPush,
        MetricsExport = features.MetricsExport,
        ConcurrentRequests = features.ConcurrentRequests,
        Cancellation = features.Cancellation,
        FlowControl = features.FlowControl,
        HealthReporting = features.HealthReporting,
    };
}
