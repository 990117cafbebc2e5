using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>
/// Filters of Envoy's own that answer before ours is asked: CORS for <c>/cors</c>, and tokens for <c>/members</c>, whose claims they hand on.
/// </summary>
internal static class EarlierFilters
{
    /// <summary>Who may read across origins.</summary>
    public const string Origin = "https://shop.example.org";

    private const string Before = "          http_filters:\n";
    private const string Types = "\"@type\": type.googleapis.com/envoy.extensions.filters.http";
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    /// <summary>Puts them into a ready configuration.</summary>
    public static string In(string text) => text
        .Replace(
            "              routes:\n",
            "              routes:\n              - { match: { prefix: /cors }, route: { cluster: origin }, typed_per_filter_config: { envoy.filters.http.cors: "
            + $"{{ {Types}.cors.v3.CorsPolicy, allow_origin_string_match: [ {{ exact: \"{Origin}\" }} ], allow_methods: POST }} }} }}\n",
            StringComparison.Ordinal)
        .Replace(
            Before,
            $"{Before}          - {{ name: envoy.filters.http.cors, typed_config: {{ {Types}.cors.v3.Cors }} }}\n"
            + "          - name: envoy.filters.http.jwt_authn\n"
            + $"            typed_config: {{ {Types}.jwt_authn.v3.JwtAuthentication, rules: [ {{ match: {{ prefix: /members }}, requires: {{ provider_name: own }} }} ], "
            + "providers: { own: { claim_to_headers: [ { header_name: x-claim-sub, claim_name: sub } ], local_jwks: { inline_string: "
            + $"'{{\"keys\":[{{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"{Base64Url.EncodeToString(Key)}\"}}]}}' }} }} }} }}\n",
            StringComparison.Ordinal);

    /// <summary>A token with these claims.</summary>
    /// <param name="claims">As JSON.</param>
    public static string Token(string claims)
    {
        var said = $"{Text("""{"alg":"HS256"}""")}.{Text(claims)}";
        return $"{said}.{Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(said)))}";
    }

    private static string Text(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
