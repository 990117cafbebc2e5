namespace Sidecar.Protocol.Spop;

/// <summary>The keys and words of HELLO and DISCONNECT (proxy integration §1.5).</summary>
internal static class SpopKeys
{
    /// <summary>The only version that HAProxy 1.8 and newer speaks.</summary>
    public static ReadOnlySpan<byte> SpokenVersion => "2.0"u8;

    public static ReadOnlySpan<byte> SupportedVersions => "supported-versions"u8;

    public static ReadOnlySpan<byte> Version => "version"u8;

    public static ReadOnlySpan<byte> MaxFrameSize => "max-frame-size"u8;

    public static ReadOnlySpan<byte> Capabilities => "capabilities"u8;

    public static ReadOnlySpan<byte> EngineId => "engine-id"u8;

    public static ReadOnlySpan<byte> HealthCheck => "healthcheck"u8;

    public static ReadOnlySpan<byte> StatusCode => "status-code"u8;

    public static ReadOnlySpan<byte> Message => "message"u8;

    public static ReadOnlySpan<byte> Pipelining => "pipelining"u8;

    public static ReadOnlySpan<byte> Fragmentation => "fragmentation"u8;

    public static ReadOnlySpan<byte> Async => "async"u8;
}
