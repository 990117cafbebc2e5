namespace Sidecar.Protocol.Spop;

/// <summary>What both ends of a connection have agreed: our answer to a HELLO (proxy integration §1.5).</summary>
/// <param name="MaxFrameSize">The largest L of a frame in either direction, in bytes.</param>
/// <param name="Capabilities">What we announce.</param>
public readonly record struct SpopTerms(int MaxFrameSize, SpopCapabilities Capabilities)
{
    // Both names, both lengths and the numbers: 92 bytes at most.
    private const int MaxSize = 128;

    /// <summary>Writes the AGENT-HELLO frame that states these terms. Send it before any slow work (proxy integration §1.5).</summary>
    public void WriteHello(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var destination = output.GetSpan(MaxSize);
        var writer = new SpopWriter(destination);
        writer.WriteFrameStart(SpopFrameType.AgentHello, 0, 0);
        writer.WriteString(SpopKeys.Version);
        writer.WriteValue(SpopValue.String(SpopKeys.SpokenVersion));
        writer.WriteString(SpopKeys.MaxFrameSize);
        writer.WriteValue(SpopValue.UInt32((uint)MaxFrameSize));
        writer.WriteString(SpopKeys.Capabilities);
        writer.WriteValue(SpopValue.String(List(Capabilities)));
        writer.FinishFrame();
        output.Advance(writer.Written);
    }

    private static ReadOnlySpan<byte> List(SpopCapabilities capabilities) =>
        (capabilities & (SpopCapabilities.Pipelining | SpopCapabilities.Fragmentation)) switch
        {
            SpopCapabilities.None => default,
            SpopCapabilities.Pipelining => SpopKeys.Pipelining,
            SpopCapabilities.Fragmentation => SpopKeys.Fragmentation,
            _ => "pipelining,fragmentation"u8,
        };
}

/// <summary>What an end of a connection can do (proxy integration §1.1). Unknown ones are ignored.</summary>
[Flags]
public enum SpopCapabilities
{
    /// <summary>One message at a time on a connection.</summary>
    None = 0,

    /// <summary>Many messages in flight, answered in any order on the same connection. Both ends must announce it.</summary>
    Pipelining = 1,

    /// <summary>
    /// The end that announces it takes fragmented messages. HAProxy never announces it and yet sends fragments to an agent that does.
    /// </summary>
    Fragmentation = 2,

    /// <summary>Answers on any connection of the engine. HAProxy 2.x offers it; it is gone in 3.1, and we never announce it.</summary>
    Async = 4,
}
