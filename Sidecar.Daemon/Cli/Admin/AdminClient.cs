using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary>Asks a daemon over its admin socket. Every failure becomes one line that says what to do.</summary>
internal sealed class AdminClient : IDisposable
{
    // A daemon with a hundred agents of a hundred connections answers with some 10 MB.
    private const int MaxAnswerBytes = 64 * 1024 * 1024;

    /// <summary>For answers that need no work.</summary>
    public static readonly TimeSpan UsualLimit = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly string _path;

    /// <summary>A client; nothing is asked yet.</summary>
    /// <param name="path">The admin socket.</param>
    /// <param name="limit">How long an answer may take; the usual time where nothing is said.</param>
    public AdminClient(string path, TimeSpan? limit = null)
    {
        _path = path;
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri("http://sidecar"),
            Timeout = limit ?? UsualLimit,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    /// <summary>Asks for a document.</summary>
    /// <exception cref="AdminException">There is none.</exception>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), type, cancellation);

    /// <summary>Sends an order.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="order">The order as JSON.</param>
    /// <param name="type">What it is answered with.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="isRefusal">Which status, besides those of success, comes with such an answer; null for none.</param>
    /// <exception cref="AdminException">It was not taken.</exception>
    public Task<T> PostAsync<T>(
        string path, byte[] order, JsonTypeInfo<T> type, CancellationToken cancellation, int? isRefusal = null)
    {
        var content = new ByteArrayContent(order);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = content }, type, cancellation, isRefusal);
    }

    /// <summary>Orders that something be taken away.</summary>
    /// <exception cref="AdminException">It was not taken.</exception>
    public Task<T> DeleteAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Delete, path), type, cancellation);

    public void Dispose() => _http.Dispose();

    private async Task<T> SendAsync<T>(
        HttpRequestMessage request, JsonTypeInfo<T> type, CancellationToken cancellation, int? isRefusal = null)
    {
        try
        {
            using (request)
            {
                using var response = await _http.SendAsync(request, cancellation);
                var body = await response.Content.ReadAsByteArrayAsync(cancellation);
                return response.IsSuccessStatusCode || (int)response.StatusCode == isRefusal ? Read(body, type) : throw new AdminException(
                    Read(body, AdminJson.Default.ErrorDocument).Error,
                    (int)response.StatusCode == 404 ? ExitCodes.NoSuchObject : ExitCodes.Failed);
            }
        }
        catch (HttpRequestException e)
        {
            throw Of(e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new AdminException(
                $"whoever listens at {_path} did not answer within {_http.Timeout.TotalSeconds:0} s; is it a sidecar?", ExitCodes.Failed, e);
        }
    }

    // Every document of ours says who wrote it.
    private T Read<T>(byte[] body, JsonTypeInfo<T> type)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("daemon", out var name) && name.ValueEquals(AdminJson.DaemonName)
                && document.RootElement.Deserialize(type) is { } read)
            {
                return read;
            }
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw NotASidecar(null);
    }

    private AdminException NotASidecar(Exception? inner) =>
        new(
            $"what listens at {_path} is not the admin listener of a sidecar; name that one with --admin (the daemon's --listen "
            + "admin=PATH)", ExitCodes.Failed, inner);

    private AdminException Of(HttpRequestException e) => e.InnerException is SocketException socket
        ? socket.SocketErrorCode switch
        {
            SocketError.AddressNotAvailable => new(
                $"there is no socket {_path}: no daemon runs with --listen admin={_path}, or it has another path; name it with --admin",
                ExitCodes.DaemonNotRunning, e),
            SocketError.ConnectionRefused => new($"nobody listens at {_path}: the daemon does not run", ExitCodes.DaemonNotRunning, e),
            SocketError.AccessDenied => new(
                $"you may not connect to {_path}; become root or a member of the socket's group (--listen admin=PATH,group=NAME)",
                ExitCodes.Failed, e),
            _ => new($"cannot connect to {_path}: {socket.Message}", ExitCodes.Failed, e),
        }
        : e.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse
            or HttpRequestError.HttpProtocolError or HttpRequestError.Unknown
            ? NotASidecar(e)
            : new AdminException($"cannot ask {_path}: {e.Message}", ExitCodes.Failed, e);

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A daemon could not be asked, or would not answer. The message is one line for the operator.</summary>
internal sealed class AdminException(string message, int exitCode, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What the command tells the shell.</summary>
    public int ExitCode => exitCode;
}

/// <summary>What all commands share that ask a daemon.</summary>
internal static class AdminFlags
{
    /// <summary>The daemon to ask.</summary>
    public static readonly Option<string?> Admin = new("--admin")
    {
        Description = $"The daemon's admin socket, its --listen admin=PATH [{Defaults.AdminSocket}]",
        HelpName = "PATH",
        Recursive = true,
    };

    /// <summary>The answer as it came.</summary>
    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON, for programs" };

    /// <summary>Lets a command show a document of the daemon: as it is for programs, else as a screen.</summary>
    /// <param name="command">The command.</param>
    /// <param name="path">Where the document is.</param>
    /// <param name="type">What it is.</param>
    /// <param name="screen">Makes the screen.</param>
    /// <param name="output">Where it is shown.</param>
    /// <param name="errors">Where it is said why it cannot be.</param>
    public static void Shows<T>(
        this Command command, Func<ParseResult, string> path, JsonTypeInfo<T> type, Func<T, string> screen, TextWriter output,
        TextWriter errors)
    {
        command.Options.Add(Json);
        command.SetAction((result, cancellation) => AskAsync(result, errors, async client =>
        {
            var document = await client.GetAsync(path(result), type, cancellation);
            await output.WriteAsync(result.GetValue(Json) ? JsonSerializer.Serialize(document, type) + "\n" : screen(document));
        }));
    }

    /// <summary>Asks the daemon and says in one line why not, when that fails; the exit code for the shell.</summary>
    public static Task<int> AskAsync(ParseResult result, TextWriter errors, Func<AdminClient, Task> ask) =>
        AskAsync(result, errors, AdminClient.UsualLimit, ask);

    /// <summary>The same for what the daemon has to work on.</summary>
    /// <param name="result">What was written.</param>
    /// <param name="errors">Where it is said why it failed; a line of its own for each line of the reason.</param>
    /// <param name="limit">How long an answer may take.</param>
    /// <param name="ask">Asks.</param>
    public static async Task<int> AskAsync(ParseResult result, TextWriter errors, TimeSpan limit, Func<AdminClient, Task> ask)
    {
        var path = result.GetValue(Admin) ?? Defaults.AdminSocket;
        if (SocketPaths.Error(path) is { } error)
        {
            return await errors.FailAsync(ExitCodes.WrongUse, $"--admin: {error}");
        }

        try
        {
            using var client = new AdminClient(path, limit);
            await ask(client);
            return ExitCodes.Ok;
        }
        catch (AdminException e)
        {
            return await errors.FailAsync(e.ExitCode, e.Message.Split('\n').Select(Screen.Clean));
        }
    }
}
