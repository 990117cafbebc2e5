namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>What a reply token turned out to be.</summary>
internal enum ReplyTokenState
{
    /// <summary>Ours and in time.</summary>
    Valid,

    /// <summary>No token at all: wrong length or characters.</summary>
    Malformed,

    /// <summary>Signed with another key, changed, or of another version.</summary>
    Forged,

    /// <summary>Ours, but too old.</summary>
    Expired,
}
