namespace Sidecar.Daemon.Agents.Reverse;

/// <summary>Why an agent is not let in.</summary>
/// <param name="Outcome">The reason as a name.</param>
/// <param name="Error">The reason in words, told to the agent where the protocol has an answer and to the log always. It may hold text of the peer.</param>
internal sealed record Refusal(RegistrationOutcome Outcome, string Error)
{
    private const int MostShown = 64;

    /// <summary>Text of a peer as it may stand in a message: short and without control characters.</summary>
    public static string Quoted(string text)
    {
        var shown = text.Length <= MostShown ? text : text[..MostShown] + "…";
        return "'" + string.Create(shown.Length, shown, static (span, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                span[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? '?' : source[i];
            }
        }) + "'";
    }
}
