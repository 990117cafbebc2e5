namespace Sidecar.Protocol.Spop;

/// <summary>The sizes of SPOP (proxy integration §1.2, §1.5, §1.6), in bytes.</summary>
/// <remarks>
/// <code>
///  0              4      5              9
/// +--------------+------+--------------+-----------+----------+----- ~ ----+
/// | L (u32, BE)  | type | flags (BE)   | stream id | frame id | payload    |
/// +--------------+------+--------------+-----------+----------+----- ~ ----+
///                |                       1-10 B      1-10 B                |
///                |&lt;------------------------ L bytes -----------------------&gt;|
/// </code>
/// </remarks>
public static class SpopLimits
{
    /// <summary>The bytes of L, which L does not count.</summary>
    public const int LengthSize = 4;

    /// <summary>The smallest L: type, flags and two ids of one byte each.</summary>
    public const int MinLength = 1 + FlagsSize + 1 + 1;

    /// <summary>The smallest max-frame-size that may be negotiated.</summary>
    public const int MinFrameSize = 256;

    /// <summary>
    /// The largest max-frame-size we agree to: 16 times HAProxy's buffer of 64 KiB, the largest that is usual. HAProxy offers its own
    /// buffer size, so an offer above this is lowered only at sites that gave every connection more than 1 MiB.
    /// </summary>
    public const int MaxFrameSize = 1024 * 1024;

    /// <summary>The largest L before HELLO is answered. A HELLO has about 150 bytes; nobody has agreed to more yet.</summary>
    public const int MaxHelloLength = 4096;

    /// <summary>The longest complete variable name, <c>scope.prefix.name</c>. Longer ones made HAProxy read beyond a buffer.</summary>
    public const int MaxVariableName = 63;

    /// <summary>The longest message of a DISCONNECT; HAProxy keeps its length in one byte.</summary>
    public const int MaxDisconnectMessage = 255;

    /// <summary>The bytes of the flags.</summary>
    internal const int FlagsSize = 4;

    /// <summary>The longest frame before its payload, with L.</summary>
    internal const int MaxHeaderSize = LengthSize + 1 + FlagsSize + (2 * SpopVarint.MaxSize);
}
