using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Renders a challenge as the value of <c>WWW-Authenticate</c> (RFC 9110 §11.6.1). Stateless.</summary>
internal static class ChallengeField
{
    // Basic without a realm is malformed (RFC 7617 §2).
    private const string DefaultRealm = "restricted";

    /// <summary>Scheme and parameters, for example <c>Basic realm="x"</c>. The parameters for status and body are not part of it.</summary>
    /// <param name="challenge">A challenge that has passed <see cref="DecisionRules"/>.</param>
    public static string Render(ChallengeDecision challenge)
    {
        ArgumentNullException.ThrowIfNull(challenge);
        var scheme = SchemeOf(challenge.ChallengeType);
        var field = new StringBuilder(scheme);
        var separator = " ";
        foreach (var (name, value) in challenge.Parameters)
        {
            if (name is not (DecisionRules.StatusParameter or DecisionRules.BodyParameter))
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

    private static string SchemeOf(string type) => type.ToLowerInvariant() switch
    {
        "basic" => "Basic",
        "bearer" => "Bearer",
        "digest" => "Digest",
        _ => type,
    };

    // RFC 7616 §3.3: these must not be quoted.
    private static bool IsBare(string name, string value) => name.ToLowerInvariant() is "algorithm" or "stale" or "userhash" && HeaderRules.IsToken(value);

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
