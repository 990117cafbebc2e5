using System.Globalization;
using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>
/// What a client gets of a challenge (spec §5.8): of its parameters <c>www-authenticate</c>, <c>body</c>, <c>content-type</c> and, our own,
/// <c>status</c>. All others are the agent's own business (tokens, addresses of its checks) and are never sent, but for the types basic,
/// bearer and digest, whose parameters make the header. Stateless.
/// </summary>
internal static class ChallengeRules
{
    private const string Field = "www-authenticate";
    private const string Body = "body";
    private const string ContentType = "content-type";
    private const string Status = "status";

    // Basic without a realm is malformed (RFC 7617 §2).
    private const string DefaultRealm = "restricted";

    /// <summary>The challenge with the parameters that can be sent; the same object when that is all it has.</summary>
    /// <param name="challenge">What the agent said.</param>
    /// <param name="repaired">Gets what was left out because it cannot be sent.</param>
    public static ChallengeDecision Fit(ChallengeDecision challenge, ref string? repaired)
    {
        var before = repaired;
        var isScheme = SchemeOf(challenge) is not null;
        var kept = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

        // Of two names that differ in case only the lowest-sorting counts.
        foreach (var (name, value) in challenge.Parameters.OrderBy(static parameter => parameter.Key, StringComparer.Ordinal))
        {
            var problem = name.ToLowerInvariant() switch
            {
                Body => null,
                Status => StatusOf(value) is null ? $"challenge status '{HeaderRules.Echo(value)}' is not one of 401, 403, 429" : null,
                Field or ContentType => HeaderRules.ValueError(name, value),
                _ when !isScheme => null,
                _ => HeaderRules.IsToken(name)
                    ? HeaderRules.ValueError(name, value)
                    : $"challenge parameter name '{HeaderRules.Echo(name)}' is no token (RFC 9110 §5.6.2)",
            };
            if (problem is not null)
            {
                DecisionRules.Add(ref repaired, $"{problem}; it is left out");
            }
            else if (!kept.ContainsKey(name)
                && (name.Equals(
                    Body, StringComparison.OrdinalIgnoreCase) ? DecisionRules.FitBody("challenge", value, ref repaired) : value) is { } fit)
            {
                kept.Add(name, fit);
            }
        }

        if (isScheme && Render(new ChallengeDecision(challenge.ChallengeType, kept)) is { Length: > HeaderRules.MaxValueBytes } field)
        {
            DecisionRules.Add(ref repaired, $"challenge parameters make a header of {field.Length} bytes; at most "
                + $"{HeaderRules.MaxValueBytes} are allowed; they are left out");
            kept.Clear();
        }

        return ReferenceEquals(before, repaired) ? challenge : new ChallengeDecision(challenge.ChallengeType, kept);
    }

    /// <summary>
    /// The answer: its status, the value of <c>WWW-Authenticate</c> if it has one, its body and the type of that, if the agent chose them.
    /// </summary>
    /// <param name="challenge">A challenge that <see cref="Fit"/> has returned.</param>
    public static (int Status, string? Authenticate, string? Body, string? ContentType) Read(ChallengeDecision challenge)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in challenge.Parameters.OrderBy(static parameter => parameter.Key, StringComparer.Ordinal))
        {
            parameters.TryAdd(name, value);
        }

        var authenticate = parameters.GetValueOrDefault(Field) ?? (SchemeOf(challenge) is null ? null : Render(challenge));
        var chosen = parameters.TryGetValue(Status, out var text) ? StatusOf(text) : null;

        // A 401 must say how to authenticate (RFC 9110 §15.5.2); without that it is a refusal.
        var status = authenticate is null && chosen is null or 401 ? 403 : chosen ?? 401;
        var body = parameters.GetValueOrDefault(Body);
        return (status, authenticate, body, body is null ? null : parameters.GetValueOrDefault(ContentType));
    }

    private static int? StatusOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is 401 or 403 or 429 ? status : null;

    private static string? SchemeOf(ChallengeDecision challenge) => challenge.ChallengeType.ToLowerInvariant() switch
    {
        "basic" => "Basic",
        "bearer" => "Bearer",
        "digest" => "Digest",
        _ => null,
    };

    // RFC 9110 §11.6.1: scheme, then parameters.
    private static string Render(ChallengeDecision challenge)
    {
        var scheme = SchemeOf(challenge)!;
        var field = new StringBuilder(scheme);
        var separator = " ";
        foreach (var (name, value) in challenge.Parameters)
        {
            if (name.ToLowerInvariant() is not (Status or Body or ContentType or Field))
            {
                Append(field.Append(separator).Append(name).Append('='), value, scheme == "Digest" && IsBare(name, value));
                separator = ", ";
            }
        }

        if (scheme == "Basic" && !challenge.Parameters.Keys.Contains("realm", StringComparer.OrdinalIgnoreCase))
        {
            Append(field.Append(separator).Append("realm="), DefaultRealm, isBare: false);
        }

        return field.ToString();
    }

    // RFC 7616 §3.3: these must not be quoted.
    private static bool IsBare(string name, string value) =>
        name.ToLowerInvariant() is "algorithm" or "stale" or "userhash" && HeaderRules.IsToken(value);

    private static void Append(StringBuilder field, string value, bool isBare)
    {
        if (isBare)
        {
            field.Append(value);
            return;
        }

        field.Append('"');
        foreach (var c in value)
        {
            _ = c is '"' or '\\' ? field.Append('\\').Append(c) : field.Append(c);
        }

        field.Append('"');
    }
}
