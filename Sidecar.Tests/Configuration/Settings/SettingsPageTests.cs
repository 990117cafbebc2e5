using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration.Settings;

/// <summary>The page of settings says what the table says.</summary>
internal sealed class SettingsPageTests
{
    private const string Page = "Sidecar.Daemon/docs/settings.md";

    private const string Introduction = """
        # Settings

        Every flag of `sidecar run` and every key of its `--agent`, `--listen` and `--route`, as the daemon knows them. How they go together: [operations.md](operations.md#flags-and-defaults).
        A flag with ¹ is also a key of `--agent`, under its name without dashes (`connections=` for `--connections-per-agent`), for that agent alone; the agent's own goes before.
        The second column is the key in the [configuration file](configuration.md), with dots between the keys that lead to it: those of an agent, a listener or a route stand below it, a flag with ¹ also
        below `defaults`, other flags at the top.

        DURATION is written `120ms`, `2s`, `1.5s`, `5m` or `1h`, SIZE `4096`, `64KiB` or `1MiB`; what `+` joins is a list, which a file writes as one. Percents have their sign in a file: `50%`.

        """;

    [Test]
    public void Page_SaysWhatTheTableSays()
    {
        var expected = Expected();
        var written = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", Page));
        var file = Path.Combine(TestContext.CurrentContext.WorkDirectory, "settings.md");
        if (written != expected)
        {
            File.WriteAllText(file, expected);
        }

        Assert.That(written.Split('\n'), Is.EqualTo(expected.Split('\n')), $"the page as it should be stands in {file}: copy it to {Page}");
    }

    [Test]
    public void Row_HasDefaultUnitRangeAndReason()
    {
        var rows = Expected().Split('\n');
        Assert.That(rows, Has.Member(
            "| `--breaker-rate` ¹ | `breaker.error_rate` | 50 percent | 0 to 100 | Failed calls that open an agent's breaker; 0 for never | an agent that fails every other call only costs time |"));
        Assert.That(rows, Has.Member(
            "| `unapplied=` | `unapplied` | refuse | `refuse\\|ignore` | Requests for which the proxy cannot do what an agent said | the removal of a header, or a changed body, "
            + "that does not happen is not what the agent allowed |"));
        Assert.That(rows.Count(static row => row.StartsWith("| `", StringComparison.Ordinal)), Is.EqualTo(SettingsTable.All.Count));
    }

    private static string Expected()
    {
        var page = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        foreach (var group in SettingGroup.All)
        {
            page.Append($"\n## {group.Title}\n\n| {(group.IsOfFlags ? "Flag" : "Key")} | In the file | Default | Values | What | Why, and more |\n|---|---|---|---|---|---|\n");
            foreach (var setting in SettingsTable.All.Where(setting => setting.Group == group))
            {
                page.Append($"| {NameOf(setting)} | {FileKeyOf(setting)} | {Cell(setting.DefaultText)} | {ValuesOf(setting)} | {WhatOf(setting)} | {Cell(WhyOf(setting))} |\n");
            }
        }

        return page.ToString();
    }

    private static string NameOf(Setting setting) => !setting.Group.IsOfFlags ? $"`{setting.Key}=`"
        : setting.Scopes.HasFlag(SettingScopes.RunAndAgent) ? $"`{setting.Flag}` ¹"
        : $"`{setting.Flag}`";

    private static string FileKeyOf(Setting setting) => setting.FilePath.Length == 0 ? "–" : $"`{setting.FilePath}`";

    private static string ValuesOf(Setting setting) => setting.IsSwitch ? ""
        : setting.Choices.Length > 0 ? Cell(setting.Choices)
        : setting.Placeholder == "N" ? setting.Range
        : $"`{Cell(setting.Placeholder)}`{(setting.Range.Length > 0 ? ", " : "")}{setting.Range}";

    private static string WhatOf(Setting setting) => Cell(setting.Help + (setting.ScopeNote.Length > 0 ? $" ({setting.ScopeNote})" : ""));

    private static string WhyOf(Setting setting) => string.Join(
        "; ", new[] { setting.Why, setting.Follows is { } other ? $"for an agent that has only `{other.Key}=`, as that" : "" }.Where(static part => part.Length > 0));

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
