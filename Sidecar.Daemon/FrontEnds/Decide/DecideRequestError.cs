using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>Why a question gets no decision; the caller applies its own failure mode (proxy integration §6.1).</summary>
/// <param name="Status">400, 404, 405, 408, 413, 429 or 503.</param>
/// <param name="Code">A word that scripts can compare.</param>
/// <param name="Message">For people: what was wrong, the value seen, the limit.</param>
internal sealed record DecideRequestError(int Status, string Code, string Message)
{
    /// <summary>How it is accounted.</summary>
    public Cause Cause => Status switch
    {
        413 => Cause.TooLarge,
        408 => Cause.Timeout,
        429 or 503 => Cause.Overload,
        _ => Cause.Malformed,
    };

    /// <summary>The question cannot be understood.</summary>
    public static DecideRequestError Malformed(string message) => new(400, "malformed", message);

    /// <summary>The question is larger than this listener takes.</summary>
    public static DecideRequestError TooLarge(string message) => new(413, "too-large", message);

    /// <summary>No room now; a later question may be answered.</summary>
    public static DecideRequestError Overloaded(string message, int status = 503) => new(status, "overloaded", message);

    /// <summary>The question was not sent to its end in time.</summary>
    public static DecideRequestError TooSlow(TimeSpan limit) =>
        new(408, "too-slow", $"the question did not arrive within {limit.TotalSeconds:0.#} s; send it faster or in smaller parts");
}

/// <summary>A question that cannot be understood, or is too large. The caller's mistake, so it is rare and may cost an exception.</summary>
internal sealed class DecideRequestException(DecideRequestError error) : Exception(error.Message)
{
    /// <summary>What the caller is told.</summary>
    public DecideRequestError Error => error;
}
