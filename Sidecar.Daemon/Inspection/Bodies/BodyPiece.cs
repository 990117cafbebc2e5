using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Where a piece stands in its body.</summary>
internal enum BodyEnd
{
    /// <summary>More may follow.</summary>
    More,

    /// <summary>The body ends with this piece, which may be empty.</summary>
    Last,

    /// <summary>No more will come, but the body goes on: the proxy hands over only its beginning. Never mistaken for the end.</summary>
    Truncated,

    /// <summary>There is a body and the proxy hands none of it over, by its configuration: nothing of it came, and nothing will.</summary>
    Unseen,
}

/// <summary>A piece of a body as a front end hands it in.</summary>
/// <param name="Bytes">The bytes; they must stay valid until the step is disposed of.</param>
/// <param name="End">Where it stands.</param>
/// <param name="Total">Size of the whole body in bytes, when the proxy knows it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BodyPiece(ReadOnlyMemory<byte> Bytes, BodyEnd End, long? Total = null);
