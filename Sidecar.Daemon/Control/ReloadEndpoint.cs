using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Control;

/// <summary>Takes orders to read the configuration again, and answers when that is done or refused.</summary>
internal sealed class ReloadEndpoint(IReloads reloads)
{
    public const string Path = "/v1/reload";

    /// <summary>What the log says of reloads that come this way.</summary>
    public const string Cause = "admin";

    /// <summary>Reloads, or says what a reload would do.</summary>
    public async Task<AdminAnswer> TakeAsync(IHttpRequestFeature request)
    {
        var (order, problem) = await OrderBody.ReadAsync(
            request, ConfigPushEndpoint.MaxBytes, "the field 'dry_run', which is optional", OrderJson.Default.ReloadOrder,
            new ReloadOrder(DryRun: false));
        if (order is null)
        {
            return problem;
        }

        var result = order.DryRun ? await reloads.TryAsync() : await reloads.ReloadAsync(Cause);
        var status = result.Outcome == ReloadOutcome.Refused ? StatusCodes.Status409Conflict : StatusCodes.Status200OK;
        return new(status, Of(result) with { DryRun = order.DryRun });
    }

    /// <summary>A reload as operators see it.</summary>
    public static ReloadDocument Of(ReloadResult result) => new()
    {
        Daemon = AdminJson.DaemonName,
        Cause = result.Cause,
        At = result.At,
        Outcome = JsonNamingPolicy.KebabCaseLower.ConvertName(result.Outcome.ToString()),
        Generation = result.Generation,
        Agents = Of(result.Difference?.Agents),
        Listeners = Of(result.Difference?.Listeners),
        Routes = Of(result.Difference?.Routes),
        Settings = result.Difference?.Settings,
        Errors = result.Errors,
        Warnings = result.Warnings,
    };

    private static DifferenceDocument? Of(NameDifference? names) =>
        names is null ? null : new(names.Added, names.Changed, names.Removed, names.Unchanged);
}
