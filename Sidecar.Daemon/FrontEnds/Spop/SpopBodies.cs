using System.Globalization;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// Decides whether a body came whole (proxy integration §1.7). A body that may have been cut is never taken for a whole one. Stateless.
/// </summary>
/// <remarks>
/// HAProxy hands over what lies in its buffer, and stops waiting when that is full. How full it is nobody can tell from what came: rules
/// may have taken headers away since. So nothing is estimated here. A request is whole if HAProxy says that its buffer holds the message to
/// its end (<c>whole</c>), and if what came adds up to what it says that it holds (<c>len</c>): trailers, which have no argument, and a
/// body that the message leaves out do not. Both tell of the moment of the question, and a message that is there to its end cannot grow.
/// </remarks>
internal static class SpopBodies
{
    // What HAProxy counts for a request besides names, values and body (htx.h): 20 bytes of the request line, one for the end of the
    // headers, and perhaps one for the end of the message. The shortest trailer adds one to them. A version that counted more would have
    // bodies cut.
    private const int Marks = 20 + 1 + 1;

    // "HTTP/" before the version, which is told without.
    private const int VersionPrefix = 5;

    // What HAProxy's buffer holds besides: a header of 48 bytes and 8 bytes for each block.
    private const int Overhead = 512;
    private const int PerHeader = 8;

    /// <summary>The request's body as one piece; null when it has none.</summary>
    /// <param name="args">The request, not misconfigured.</param>
    public static BodyPiece? OfRequest(NotifyArguments args)
    {
        var declared = DeclaredSize(args);
        var isWhole = args.IsWhole == true && Untold(args) <= Marks && args.BodyBytes.Length >= (declared ?? 0);
        var isThere = !args.BodyBytes.IsEmpty || !isWhole || args.HasHeader("transfer-encoding"u8);
        return isThere && !IsTunnel(args) ? Piece(args, !isWhole, declared) : null;
    }

    /// <summary>The response's body as one piece; null when it has none.</summary>
    /// <param name="args">The response.</param>
    /// <param name="method">The request's method.</param>
    public static BodyPiece? OfResponse(NotifyArguments args, string? method)
    {
        // RFC 9110 §6.4.1.
        if (method == "HEAD" || args.Status is (>= 100 and < 200) or 204 or 304)
        {
            return null;
        }

        var declared = DeclaredSize(args);
        var isOpen = declared is null && args.IsWhole != true;
        return declared == 0 && args.BodyBytes.IsEmpty ? null : Piece(args, isOpen || IsShort(args, declared), declared);
    }

    /// <summary>The verdict on a message when its body has been judged too.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="direction">Request or response.</param>
    /// <param name="headers">What the headers were judged.</param>
    /// <param name="step">What became of the body.</param>
    public static Verdict Join(Exchange exchange, Direction direction, Verdict headers, in BodyStep step)
    {
        var verdict = headers.Then(step.Verdict);
        if (!verdict.IsAllow || (step.Progress.IsPristine && step.Progress.Released == step.Progress.Pushed))
        {
            return verdict;
        }

        // HAProxy cannot change a body in any version (proxy integration §1.7).
        exchange.NoteUnapplied(direction == Direction.Request ? "request-body" : "response-body");
        return exchange.Route is { RefusesUnapplied: false }
            ? verdict
            : verdict with { Kind = VerdictKind.FailedClosed, Cause = Cause.Unapplied };
    }

    /// <summary>Bytes free in HAProxy's buffer for what is added to a request; too few rather than too many.</summary>
    public static long FreeBytes(NotifyArguments args) =>
        args.BufferSize - Overhead - (args.Held ?? 0) - (PerHeader * (long)args.HeaderCount);

    private static long Untold(NotifyArguments args) => args.Held!.Value - args.Method!.Length - args.RawTarget!.Length
        - VersionPrefix - (args.Version?.Length ?? 0) - args.HeaderBytes - args.BodyBytes.Length;

    // What a client sends on such a stream (RFC 8441) is no body: it belongs to the protocol it asks for, and goes on when the upstream
    // agrees. In HTTP/2 and later HAProxy refuses a client's own Upgrade.
    private static bool IsTunnel(NotifyArguments args) => args.Version is ['2' or '3', ..] && args.HasHeader("upgrade"u8);

    private static BodyPiece Piece(NotifyArguments args, bool isCut, long? declared)
    {
        var length = args.BodyBytes.Length;
        long? total = declared > length ? declared : isCut ? null : length;
        return new BodyPiece(args.BodyBytes, isCut ? BodyEnd.Truncated : BodyEnd.Last, total);
    }

    private static bool IsShort(NotifyArguments args, long? declared)
    {
        var length = args.BodyBytes.Length;
        return args.Body is null || length < args.BodyLength || length < args.BodySize || length < declared;
    }

    private static long? DeclaredSize(NotifyArguments args)
    {
        var length = args.Headers.IndexOf("content-length"u8);
        return length >= 0 && !args.HasHeader("transfer-encoding"u8)
            && long.TryParse(args.Headers.Value(length), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;
    }
}
