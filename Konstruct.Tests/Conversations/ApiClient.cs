using System.Text;
using System.Text.Json;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Conversations;

/// <summary>Plain HTTP, as a portal sends it, in the name of a person; null: in nobody's.</summary>
internal sealed class ApiClient(ServiceProcess gateway, Person? person)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(60) };

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public Task<ApiAnswer> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, body);

    public Task<ApiAnswer> PatchAsync(string path, string body) => SendAsync(HttpMethod.Patch, path, body);

    /// <summary>Creates a conversation and hands back its id.</summary>
    public async Task<Guid> CreateAsync(string? title = null)
    {
        var body = JsonSerializer.Serialize(new Dictionary<string, string?> { ["agent_id"] = "helper", ["title"] = title });
        return (await PostAsync("", body)).Expect(201).Json.GetProperty("id").GetGuid();
    }

    /// <summary>All items of a list, asked for page by page.</summary>
    public async Task<List<JsonElement>> ReadAllAsync(string path, int limit, Func<Task>? betweenPages = null)
    {
        var items = new List<JsonElement>();
        for (string? cursor = null; ; )
        {
            var page = (await GetAsync($"{path}?limit={limit}{(cursor is null ? "" : $"&cursor={cursor}")}")).Expect(200).Json;
            var got = page.GetProperty("items").EnumerateArray().ToList();
            Assert.InRange(got.Count, 0, limit);
            items.AddRange(got);
            cursor = page.GetProperty("next").GetString();
            if (cursor is null)
            {
                return items;
            }

            Assert.NotEmpty(got);
            if (betweenPages is not null)
            {
                await betweenPages();
            }
        }
    }

    /// <param name="method">The method.</param>
    /// <param name="path">What follows <c>/chat/conversations</c>.</param>
    /// <param name="body">JSON, or what a test pretends to be JSON.</param>
    /// <param name="change">Changes the request before it is sent.</param>
    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? body = null, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(method, $"http://127.0.0.1:{gateway.Port}/chat/conversations{path}");
        if (person is not null)
        {
            request.Headers.Add("X-User-Id", $"{person.User}");
            request.Headers.Add("X-Tenant-Id", $"{person.Tenant}");
            request.Headers.Add("X-Role", "customer_admin");
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        change?.Invoke(request);
        using var response = await Http.SendAsync(request);
        return new(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Content.Headers.ContentType?.MediaType,
            response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value))
        );
    }
}

/// <summary>What came back.</summary>
internal sealed record ApiAnswer(int Status, string Body, string? MediaType, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public ApiAnswer Expect(int status)
    {
        Assert.True(status == Status, $"Expected {status}, got {Status}: {Body}");
        return this;
    }

    /// <summary>Problem details with a sentence for a person and nothing of the inside. Hands back the sentence.</summary>
    public string ExpectProblem(int status)
    {
        Expect(status);
        Assert.Equal("application/problem+json", MediaType);
        Assert.Equal(status, Json.GetProperty("status").GetInt32());
        Assert.NotEmpty(Json.GetProperty("title").GetString()!);
        Assert.DoesNotContain("exception", Body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", Body, StringComparison.Ordinal);
        var detail = Json.GetProperty("detail").GetString()!;
        Assert.EndsWith(".", detail, StringComparison.Ordinal);
        return detail;
    }
}
