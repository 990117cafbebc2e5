using System.Globalization;
using Sidecar.Daemon.Inspection.Bodies;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Decides whether a body came whole (proxy-integration §1.7). A body that may have been cut is never taken for a whole one. Stateless.</summary>
/// <remarks>
/// HAProxy hands over what lies in its buffer. With a Content-Length the size is known. Without one nothing says where the body ends: then a
/// request's body, for which HAProxy has waited until it was complete or the buffer full, is whole if there is clearly room left in the buffer;
/// a response's too, if HAProxy says that it waited: it must not for streams (§1.7).
/// </remarks>
internal static class SpopBodies
{
    // What HAProxy's buffer holds besides (htx.h): a header of 48 bytes, 8 bytes for each block, the start line. The estimate errs towards "cut".
    private const int Overhead = 512;
    private const int PerHeader = 8;

    /// <summary>The request's body as one piece; null when it has none.</summary>
    /// <param name="facts">The request.</param>
    /// <param name="maxRewrite">What HAProxy keeps free of its buffer, in bytes.</param>
    public static BodyPiece? OfRequest(SpopFacts facts, int maxRewrite)
    {
        var bytes = facts.BodyBytes;
        var declared = DeclaredSize(facts);
        var isOpen = declared is null && (facts.HasHeader("transfer-encoding"u8) || bytes.Length > 0 || facts.BodySize > 0);
        if (!isOpen && declared is null or 0 && bytes.IsEmpty && facts.BodySize is null or 0)
        {
            return null;
        }

        var isCut = IsShort(facts, declared) || (isOpen && FreeBytes(facts) <= maxRewrite);
        return Piece(facts, isCut, declared);
    }

    /// <summary>The response's body as one piece; null when it has none.</summary>
    /// <param name="facts">The response.</param>
    /// <param name="method">The request's method.</param>
    /// <param name="maxRewrite">What HAProxy keeps free of its buffer, in bytes.</param>
    public static BodyPiece? OfResponse(SpopFacts facts, string? method, int maxRewrite)
    {
        // RFC 9110 §6.4.1.
        if (method == "HEAD" || facts.Status is (>= 100 and < 200) or 204 or 304)
        {
            return null;
        }

        var declared = DeclaredSize(facts);
        var isOpen = declared is null && (!facts.HasWaited || FreeBytes(facts) <= maxRewrite);
        return declared == 0 && facts.BodyBytes.IsEmpty ? null : Piece(facts, isOpen || IsShort(facts, declared), declared);
    }

    /// <summary>Bytes free in HAProxy's buffer by what it told; too few rather than too many.</summary>
    public static long FreeBytes(SpopFacts facts)
    {
        var body = facts.Body is null ? facts.BodySize ?? 0 : facts.BodyBytes.Length;
        var line = (facts.Target?.Length ?? 0) + (facts.Method?.Length ?? 0) + (facts.Header("host"u8)?.Length ?? 0);
        return facts.BufferSize - Overhead - line - facts.HeaderBytes - (PerHeader * (long)facts.HeaderCount) - body;
    }

    private static BodyPiece Piece(SpopFacts facts, bool isCut, long? declared)
    {
        var length = facts.BodyBytes.Length;
        long? total = declared > length ? declared : isCut ? null : length;
        return new BodyPiece(facts.BodyBytes, isCut ? BodyEnd.Truncated : BodyEnd.Last, total);
    }

    private static bool IsShort(SpopFacts facts, long? declared)
    {
        var length = facts.BodyBytes.Length;
        return facts.Body is null || length < facts.BodyLength || length < facts.BodySize || length < declared;
    }

    private static long? DeclaredSize(SpopFacts facts) =>
        !facts.HasHeader("transfer-encoding"u8) && long.TryParse(facts.Header("content-length"u8), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;
}
