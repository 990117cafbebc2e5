namespace Sidecar.Protocol.Spop;

/// <summary>
/// The names of variables as an operator's HAProxy sees them: <c>scope.prefix.name</c>, the prefix being its <c>option var-prefix</c>
/// (proxy integration §1.6).
/// </summary>
public static class SpopVariables
{
    private static readonly SearchValues<byte> Allowed =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"u8);

    /// <summary>The longest name that fits behind a prefix, in bytes; 0 or less if no name does.</summary>
    /// <param name="scope">The scope, whose own name counts.</param>
    /// <param name="prefixLength">The bytes of the prefix, without dots.</param>
    public static int MaxNameLength(SpopScope scope, int prefixLength) =>
        SpopLimits.MaxVariableName - ScopeLength(scope) - 1 - prefixLength - 1;

    /// <summary>Checks a name that is about to be sent.</summary>
    /// <exception cref="ArgumentException">It is empty, too long, or has characters that a variable cannot have.</exception>
    internal static void Check(SpopScope scope, scoped ReadOnlySpan<byte> name, int prefixLength)
    {
        var longest = MaxNameLength(scope, prefixLength);
        if (name.Length > longest)
        {
            throw new ArgumentException(
                $"A variable name of {name.Length} bytes; behind a prefix of {prefixLength} HAProxy takes {longest} " +
                $"({SpopLimits.MaxVariableName} in all). Shorten the prefix.",
                nameof(name));
        }

        if (name.IsEmpty || name.ContainsAnyExcept(Allowed))
        {
            throw new ArgumentException("A variable name consists of letters, digits, dots and underscores.", nameof(name));
        }
    }

    private static int ScopeLength(SpopScope scope) => scope switch
    {
        SpopScope.Process or SpopScope.Session => 4,
        SpopScope.Transaction or SpopScope.Request or SpopScope.Response => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(scope), scope, "Scopes are 0 to 4."),
    };
}

/// <summary>How long a variable of HAProxy lives (proxy integration §1.6).</summary>
public enum SpopScope : byte
{
    /// <summary>The process. HAProxy takes it only with <c>option force-set-var</c> or a previous declaration.</summary>
    Process = 0,

    /// <summary>The client's connection.</summary>
    Session = 1,

    /// <summary>Request and response of one transaction: the right one for a verdict.</summary>
    Transaction = 2,

    /// <summary>Until the response is processed.</summary>
    Request = 3,

    /// <summary>The processing of the response.</summary>
    Response = 4,
}
