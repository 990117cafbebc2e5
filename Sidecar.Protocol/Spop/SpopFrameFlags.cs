namespace Sidecar.Protocol.Spop;

/// <summary>The flags of a frame (proxy-integration §1.2); the other 30 bits are reserved.</summary>
[Flags]
public enum SpopFrameFlags : uint
{
    /// <summary>More fragments follow.</summary>
    None = 0,

    /// <summary>The last or only fragment.</summary>
    Fin = 1,

    /// <summary>Forget what was sent of this message.</summary>
    Abort = 2,
}
