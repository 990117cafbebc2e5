namespace Sidecar.Protocol.Framing;

/// <summary>The sizes of a frame of the agent protocol (spec §2.1).</summary>
/// <remarks>
/// <code>
///  0               4       5                          4 + L
/// +---------------+-------+--------------- ~ ----------+
/// | L  (u32, BE)  |   T   | payload, L - 1 bytes       |
/// +---------------+-------+--------------- ~ ----------+
///                 |&lt;------------- L bytes ------------>|
/// </code>
/// The length L counts the type byte and not itself, so an empty payload has L = 1 and L = 0 is an error.
/// </remarks>
public static class FrameLimits
{
    /// <summary>The largest L that a peer accepts, in bytes: the type byte and the payload.</summary>
    public const int MaxLength = 16_777_216;

    /// <summary>The bytes before the payload: the length and the type.</summary>
    public const int HeaderSize = LengthSize + 1;

    /// <summary>The bytes of the length itself.</summary>
    public const int LengthSize = 4;
}
