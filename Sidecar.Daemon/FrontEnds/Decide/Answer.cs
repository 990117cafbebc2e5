using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// What a script is answered: a decision, or an error. Disposed of when it has been written, which gives the body's memory back.
/// </summary>
internal sealed class Answer : IDisposable
{
    private BodyStep _step;

    /// <summary>Why there is no decision; null when there is one.</summary>
    public DecideRequestError? Error { get; private init; }

    /// <summary>The script's id of the exchange.</summary>
    public string? Tx { get; init; }

    /// <summary>The exchange; null where there is no decision, or another daemon made it.</summary>
    public Exchange? Exchange { get; init; }

    /// <summary>
    /// What the agents said of the question's events, one after the other, as one. The first that is not allow is the last.
    /// </summary>
    public Verdict Verdict { get; private set; } = Verdict.Allow;

    /// <summary>
    /// Why an agent was not heard, or not in full: the first that was passed by, or the one that refuses; none when all were.
    /// </summary>
    public Cause Cause { get; private set; }

    /// <summary>Whether more parts of the body are expected.</summary>
    public bool Continues { get; init; }

    /// <summary>Which body is spoken of.</summary>
    public Direction Direction { get; init; }

    /// <summary>
    /// Bytes that go on in place of those of the question, or of the whole body that the caller kept; null when those go on themselves.
    /// </summary>
    public ReadOnlyMemory<byte>? Body { get; private set; }

    /// <summary>Whether the client gets the default page of the refusal's status, because the agent's own is too long.</summary>
    public bool HasDefaultPage { get; set; }

    /// <summary>What the agents still want to see.</summary>
    public WantedEvents Wanted { get; set; }

    /// <summary>The status of the HTTP answer.</summary>
    public int Status { get => field == 0 ? Error?.Status ?? 200 : field; private init; }

    /// <summary>The answer as another daemon wrote it; null when it was made here.</summary>
    public ReadOnlyMemory<byte>? Relayed { get; private init; }

    /// <summary>An answer of another daemon.</summary>
    public static Answer Of(int status, ReadOnlyMemory<byte> bytes) => new() { Status = status, Relayed = bytes };

    /// <summary>An answer without a decision.</summary>
    public static Answer Of(DecideRequestError error) => new() { Error = error };

    /// <summary>The answer to a question that is decided without asking agents.</summary>
    public static Answer Of(DecideRequest question, Exchange exchange, Verdict verdict)
    {
        var answer = new Answer
        {
            Tx = question.Tx,
            Exchange = exchange,
            Direction = question.Direction,
            Continues = verdict.IsAllow && question.IsPart,
        };
        answer.Add(verdict);
        return answer;
    }

    /// <summary>Adds the verdict on the next event.</summary>
    public void Add(Verdict verdict)
    {
        Cause = verdict.Kind == VerdictKind.FailedClosed || Cause == Cause.None ? verdict.Cause : Cause;
        Verdict = Verdict.Then(verdict);
    }

    /// <summary>Takes request headers away, before any agent changes one.</summary>
    public void Strip(IReadOnlyList<string> names) =>
        Verdict = names.Count == 0
            ? Verdict
            : Verdict with { RequestHeaders = [.. names.Select(static name => new HeaderEdit(name, KeepOriginal: false, []))] };

    /// <summary>The request has gone: changes of its headers come too late.</summary>
    public void ForgetRequestHeaders() => Verdict = Verdict.RequestHeaders.Count == 0 ? Verdict : Verdict with { RequestHeaders = [] };

    /// <summary>Takes the bytes of a step, and the step with them.</summary>
    public void Take(in BodyStep step, ReadOnlyMemory<byte>? body) => (_step, Body) = (step, body);

    public void Dispose() => _step.Dispose();
}

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

    /// <summary>The question cannot be understood.</summary>
    public static DecideRequestException Malformed(string message) => new(new DecideRequestError(400, "malformed", message));
}
