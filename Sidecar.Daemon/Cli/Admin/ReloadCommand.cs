using System.CommandLine;
using System.Text;
using System.Text.Json;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary><c>sidecar reload</c>: has a running daemon read its configuration again, and says what became of it.</summary>
internal static class ReloadCommand
{
    // Longer than the daemon waits for the file (30 s) and for an agent that is to be reached elsewhere.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private const string Refused = "refused";

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Change nothing, and say what a reload would do" };

    private static readonly Option<bool> Wait =
        new("--wait") { Description = "Wait until what the change has made superfluous has drained, at most 2 minutes" };

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var command = new Command("reload", "Have a running daemon read its configuration again: all of it counts, or nothing of it")
        {
            AdminFlags.Admin, DryRun, Wait, AdminFlags.Json,
        };
        command.SetAction((result, cancellation) => AdminFlags.AskAsync(result, errors, Patience, async client =>
        {
            var order = new ReloadOrder(result.GetValue(DryRun));
            var bytes = JsonSerializer.SerializeToUtf8Bytes(order, OrderJson.Default.ReloadOrder);
            var type = AdminJson.Default.ReloadDocument;
            var reload = await client.PostAsync(ReloadEndpoint.Path, bytes, type, cancellation, isRefusal: 409);
            if (result.GetValue(AdminFlags.Json))
            {
                await output.WriteLineAsync(JsonSerializer.Serialize(reload, type));
            }
            else
            {
                await errors.WriteAsync(string.Concat(reload.Warnings.Select(static one => $"sidecar: {Screen.Clean(one)}\n")));
                await output.WriteAsync(Write(reload));
            }

            if (reload.Outcome == Refused)
            {
                // One exception, a line for each error: they are as long as the daemon told them.
                throw new AdminException(
                    string.Join('\n', [.. reload.Errors, $"model {Screen.Number(reload.Generation)} stays as it is"]),
                    ExitCodes.Failed);
            }

            if (result.GetValue(Wait) && await IsDrainingAsync(client, cancellation))
            {
                throw new AdminException(
                    "the change counts, but what it has replaced still serves exchanges; 'sidecar status' says when that has drained",
                    ExitCodes.Failed);
            }
        }));
        return command;
    }

    /// <summary>What changed, a line for each kind of thing; nothing for a refusal, which is an error.</summary>
    public static string Write(ReloadDocument reload)
    {
        var text = new StringBuilder();
        if (reload.Outcome == Refused)
        {
            return "";
        }

        if (reload.Outcome == "unchanged")
        {
            return $"nothing has changed: model {Screen.Number(reload.Generation)} stays\n";
        }

        text.Append(reload.DryRun ? "would be applied\n" : $"model {Screen.Number(reload.Generation)} counts from now on\n");
        foreach (var (kind, names) in ((string, DifferenceDocument?)[])
            [("agents", reload.Agents), ("listeners", reload.Listeners), ("routes", reload.Routes)])
        {
            if (names is not null)
            {
                text.Append($"  {kind}: {Of("added", names.Added)}{Of("changed", names.Changed)}{Of("removed", names.Removed)}")
                    .Append($"{Screen.Number(names.Unchanged)} unchanged\n");
            }
        }

        return text.Append(reload.Settings is { Count: > 0 } settings ? $"  settings: {Of("changed", settings)[..^2]}\n" : "").ToString();
    }

    private static string Of(string word, IReadOnlyList<string> names) =>
        names.Count == 0 ? "" : $"{word} {Screen.Clean(string.Join(' ', names))}, ";

    private static Task<bool> IsDrainingAsync(AdminClient client, CancellationToken cancellation) =>
        Poll.UntilAsync(
            true, static isDraining => !isDraining,
            async () => (await client.GetAsync("/status", AdminJson.Default.StatusDocument, cancellation)).Configuration.IsDraining,
            cancellation);
}
