namespace Sidecar.Protocol.MessagePack;

/// <summary>What became of an attempt to read one token.</summary>
public enum MessagePackOutcome
{
    /// <summary>The token was read; its size tells how many bytes it took.</summary>
    Success,

    /// <summary>The leading byte announces a value of another kind.</summary>
    Mismatch,

    /// <summary>The bytes end before the token does; no bytes at all are insufficient too.</summary>
    Insufficient,

    /// <summary>The kind is right but the number does not fit the type asked for.</summary>
    Overflow,

    /// <summary>The bytes break the format: the code 0xC1, or a timestamp of a wrong length or with too many nanoseconds.</summary>
    Invalid,
}
