using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The published daemon answers the first question after a start within the times that it has for any.</summary>
[TestFixture]
[Category("EndToEnd")]
internal sealed class ColdStartTests
{
    private const int Starts = 8;

    [Test]
    public async Task FirstQuestionAfterAStart_IsNotLostToTheDaemonsOwnStart()
    {
        if (!SidecarCommand.IsPublished)
        {
            Assert.Ignore("SIDECAR_BINARY names no published daemon; a plain build compiles while it answers its first question");
        }

        using var directory = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"));
        var answers = new List<string>();
        for (var start = 0; start < Starts; start++)
        {
            // With the times of the product, not with those of a test on a busy machine.
            await using var daemon = SidecarCommand.Start(
                "run", "--agent", $"demo={directory.Socket("agent")}", "--listen", $"http={directory.Socket("http")},proxy=caddy");
            await daemon.WaitForAsync("agent demo is reachable");
            await daemon.WaitForAsync("is up");
            using var client = UnixHttp.Client(directory.Socket("http"));
            using var question = new HttpRequestMessage(HttpMethod.Get, "http://shop.example/check");
            foreach (var (name, value) in new[] { ("Method", "GET"), ("Uri", "/"), ("Host", "shop.example"), ("Proto", "http"), ("For", "192.0.2.1") })
            {
                question.Headers.TryAddWithoutValidation($"X-Forwarded-{name}", value);
            }

            using var answer = await client.SendAsync(question);
            answers.Add($"{(int)answer.StatusCode}{(answer.IsSuccessStatusCode ? "" : " " + await answer.Content.ReadAsStringAsync())}");
            await daemon.StopAsync();
        }

        // A machine that does not run the daemon for 120 ms may cost one; the compiler would cost every one.
        Assert.That(answers.Count(static answer => answer != "200"), Is.LessThanOrEqualTo(1), string.Join('\n', answers));
    }
}
