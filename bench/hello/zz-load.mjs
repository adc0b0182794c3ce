import autocannon from 'autocannon'
const [,, port, method, secs] = process.argv
const r = await autocannon({ url: `http://127.0.0.1:${port}/`, connections: 64, duration: Number(secs), method, ...(method==='POST'?{ headers: {'content-type':'application/json'}, body: JSON.stringify(Object.fromEntries(Array.from({length: 20}, (_, i) => ['k'+i, 'x'.repeat(40)]))) }:{}) })
console.log(r.requests.average, r.non2xx, r.errors)
