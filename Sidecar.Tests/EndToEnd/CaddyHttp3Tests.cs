using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// HTTP/3, which Caddy serves without being told to, is no way past the agents. The client is curl of the releases that peers.sh makes; the one of
/// Debian 12 has no HTTP/3.
/// </summary>
[Category("EndToEnd")]
internal sealed class CaddyHttp3Tests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static IEnumerable<string> Clients => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("SIDECAR_TEST_PEERS")) ? [] : ["curl"];

    [TestCaseSource(nameof(Clients))]
    public async Task RequestsOverHttp3_AreInspectedAndNoBodyPassesUnannounced(string client)
    {
        await using var stack = await WatchedStack.StartAsync(ProxySetup.Caddy, change: static text => Regex.Replace(
            text.Replace("\tservers {", "\tskip_install_trust\n\tservers {", StringComparison.Ordinal), @"http://:(?<port>\d+) \{",
            "https://localhost:${port} {\n\ttls internal", RegexOptions.None, Limit));
        var url = $"https://localhost:{stack.Port}";

        var plain = await SendAsync(client, $"{url}/hello?[1-100]");
        await stack.EndedAsync("inspected", "none", 100);
        var hidden = await SendAsync(client, "-X", "GET", "-H", "Content-Length:", "--data", "DROP TABLE", $"{url}/hidden");

        Assert.That(plain, Is.EqualTo(string.Concat(Enumerable.Repeat("200 3 ", 100))));
        Assert.That((hidden, stack.Origin.BodyBytes), Is.EqualTo(("400 3 ", 0L)));
    }

    // Status and protocol of each answer.
    private static async Task<string> SendAsync(string client, params string[] arguments)
    {
        await using var process = PeerPrograms.Start(
            client,
            [
                "--silent", "--insecure", "--retry", "5", "--retry-all-errors", "--http3-only", "--output", "/dev/null",
                "--write-out", "%{http_code} %{http_version} ", .. arguments,
            ]);
        await process.WaitForExitAsync();
        return process.Output.ReplaceLineEndings("");
    }
}
