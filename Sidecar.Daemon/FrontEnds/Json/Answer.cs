using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>What a script is answered: a decision, or an error. Disposed of when it has been written, which gives the body's memory back.</summary>
internal sealed class Answer : IDisposable
{
    private BodyStep _step;

    /// <summary>Why there is no decision; null when there is one.</summary>
    public QuestionError? Error { get; private init; }

    /// <summary>The script's id of the exchange.</summary>
    public string? Tx { get; init; }

    /// <summary>Our id of the exchange.</summary>
    public CorrelationId Id { get; init; }

    /// <summary>What the agents said.</summary>
    public Outcome Outcome { get; init; } = new();

    /// <summary>Whether more parts of the body are expected.</summary>
    public bool Continues { get; init; }

    /// <summary>Which body is spoken of.</summary>
    public Direction Direction { get; init; }

    /// <summary>Bytes that go on in place of those of the question, or of the whole body that the caller kept; null when those go on themselves.</summary>
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
    public static Answer Of(QuestionError error) => new() { Error = error };

    /// <summary>Takes the bytes of a step, and the step with them.</summary>
    public void Take(in BodyStep step, ReadOnlyMemory<byte>? body) => (_step, Body) = (step, body);

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();
}
